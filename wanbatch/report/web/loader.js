// Unpacks the page's scripts and starts them.
//
// It may not choose what runs: the page's policy has the hash of what was packed, and a
// browser runs nothing else.
// @ts-check

/** @returns {Promise<string>} */
const unpackScript = () => {
  const text = document.getElementById("script")?.textContent ?? "";
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
};

unpackScript().then((text) => {
  const node = document.createElement("script");
  node.textContent = text;
  document.head.append(node);
});
