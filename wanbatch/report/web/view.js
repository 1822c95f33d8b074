// What the reader looks at (the filter, the open job) and the fragment of the address
// that keeps it: a reload, a bookmark and a link to a colleague show the same.
//
// It may not touch the page or its history (main.js does). A further view adds its part
// here.
// @ts-check

/**
 * @param {{get(name: string): string | null}} params
 * @returns {View}
 */
function viewFrom(params) {
  return {
    q: params.get("q") ?? "",
    states: new Set((params.get("state") ?? "").split(",").filter(Boolean)),
    job: params.get("job") ?? "",
  };
}

/** @param {View} view */
function fragmentOf(view) {
  const parts = { q: view.q, state: [...view.states].join(","), job: view.job };
  return `#${Object.entries(parts)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&")}`;
}
