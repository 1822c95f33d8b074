// Reads the page's data block: JSON, deflated and in base 64 where the jobs are many.
//
// It may not fetch anything: a page on a disk has itself alone.
// @ts-check

/** @returns {Promise<Data>} */
async function readData() {
  const data = await readBlock();
  return { ...data, ...unpackJobs(data) };
}

async function readBlock() {
  const block = need("#data", HTMLElement);
  const text = block.textContent ?? "";
  if (!("packed" in block.dataset)) return JSON.parse(text);
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
