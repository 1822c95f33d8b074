// The tray at the page's foot: what was chosen for a comparison, from any view, with `c`.
//
// It may not keep what was chosen: the address does (`with`), and it shows that.
// @ts-check

/** @type {KeyHelp[]} */
const TRAY_KEYS = [
  ["c", "into the comparison, or out of it"],
  ["C", "compare what was chosen"],
];

/**
 * The entries that the address names for a comparison.
 * @param {View} view
 * @param {Map<string, Entry>} byKey
 */
function comparedIn(view, byKey) {
  const keys = keysIn(view.options.with ?? "", (key) => byKey.has(key));
  return keys.flatMap((key) => byKey.get(key) ?? []);
}

/**
 * @param {PageContext} page
 * @returns {PagePart & {choose: () => boolean}}
 */
function makeTray(page) {
  const list = el("ul", null);
  const open = el("button", { type: "button", class: "strong" }, "Compare");
  const clear = el("button", { type: "button" }, "Clear");
  const node = el("section", { class: "tray", "aria-label": "Comparison", hidden: true });
  node.append(list, open, clear);
  document.body.append(node);
  open.addEventListener("click", compare);
  clear.addEventListener("click", () => choose([]));
  /** @type {string[]} */
  let keys = [];

  /** @param {string[]} next */
  function choose(next) {
    page.go({ options: { with: next.join(",") } });
  }

  function compare() {
    if (keys.length) page.go({ show: "compare", job: "" });
  }

  /** @param {Entry} entry */
  function chip(entry) {
    const name = shown(entry.job.name);
    const out = el("button", { type: "button", "aria-label": `Without ${name}` }, "×");
    out.addEventListener("click", () => choose(toggledKey(keys, entry.key)));
    const { poster } = entry.job;
    const picture = poster && el("img", { src: addressOf(page.data.base, poster), alt: name });
    return el("li", { title: name }, picture || el("bdi", null, name), out);
  }

  /** Takes the present entry in, or puts it away. */
  function toggle() {
    const entry = page.current();
    if (!entry?.job.output) return false;
    choose(toggledKey(keys, entry.key));
    return true;
  }

  return {
    keys: TRAY_KEYS,
    choose: toggle,
    show(view) {
      const entries = comparedIn(view, page.byKey);
      const before = keys.join();
      keys = entries.map((entry) => entry.key);
      node.hidden = !keys.length || view.show === "compare";
      if (before === keys.join()) return;
      list.replaceChildren(...entries.map(chip));
      open.textContent = keys.length > 1 ? `Compare ${keys.length}` : "Compare";
    },
    onKey(event) {
      if (event.key === "C") compare();
      else return event.key === "c" && toggle();
      return true;
    },
  };
}
