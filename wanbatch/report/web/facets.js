// The pills for axes, tags and checks, with how many jobs each would show beside what
// else the query asks for.
//
// It may not count or filter: it shows what it is given and tells which pill was pressed.
// @ts-check

/** So many values of a group are shown; of seeds there may be thousands. */
const MOST_PILLS = 24;

/**
 * @param {Known} known
 * @param {(key: string, value: string) => void} toggle
 */
function makeFacets(known, toggle) {
  const button = need("#facets", HTMLElement);
  const panel = need(".facets", HTMLElement);
  const short = new Map([...known.short].map((name) => [name.toLowerCase(), name]));
  const groups = [
    ...[...known.axes].map(([key, { name, values }]) => ({ key, title: name, values })),
    { key: "tag", title: "tag", values: known.tags },
    { key: "check", title: "fell short", values: short },
  ].filter(({ values }) => values.size);
  /** @type {{key: string, value: string, pill: HTMLElement, count: HTMLElement}[]} */
  const pills = [];

  /** @param {typeof groups[number]} group */
  function makeGroup({ key, title, values }) {
    const made = [...values].slice(0, MOST_PILLS).map(([value, text]) => {
      const count = el("b");
      const pill = el("button", { type: "button" }, shown(text), " ", count);
      pill.addEventListener("click", () => toggle(key, text));
      return { key, value, pill, count };
    });
    pills.push(...made);
    const more = values.size - made.length;
    const rest = more > 0 ? el("span", { class: "more" }, `and ${more} more`) : null;
    const nodes = made.map(({ pill }) => pill);
    return el(
      "div",
      { role: "group", "aria-label": shown(title) },
      el("span", { class: "name" }, shown(title)),
      el("div", { class: "pills" }, nodes, rest),
    );
  }

  button.hidden = groups.length === 0;
  button.addEventListener("click", () => {
    if (!pills.length) panel.append(...groups.map(makeGroup));
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
    update();
  });
  /** @type {Question[]} */
  let asked = [];
  /** @type {Map<string, Map<string, number>>} */
  let counted = new Map();

  function update() {
    if (panel.hidden) return;
    for (const { key, value, pill, count } of pills) {
      const isOn = asked.some(({ term, group }) => group === key && term.values.includes(value));
      pill.setAttribute("aria-pressed", String(isOn));
      const number = counted.get(key)?.get(value) ?? 0;
      count.textContent = String(number);
      pill.classList.toggle("none", number === 0 && !isOn);
    }
  }

  return {
    /** @param {Question[]} questions @param {Map<string, Map<string, number>>} counts */
    show(questions, counts) {
      [asked, counted] = [questions, counts];
      update();
    },
  };
}
