// The bar over the views: the filter's field and what is wrong with it, a button for each
// state, the order, the count, and the line that says that no job matches.
//
// It may not filter, or keep the view: it shows the one that it is given and tells what
// the reader asked for.
// @ts-check

/**
 * @typedef {object} ToolbarEvents what the reader asked for
 * @property {(q: string) => void} find
 * @property {(state: JobState) => void} toggle
 * @property {() => void} clear
 * @property {(sort: string) => void} sort
 */

/**
 * @typedef {object} Sifted what the toolbar shows of a filter
 * @property {number} visible
 * @property {boolean} none
 * @property {Map<string, number>} states
 * @property {string[][]} complaints
 */

/**
 * @param {Known} known
 * @param {number} total
 * @param {ToolbarEvents} events
 */
function makeToolbar(known, total, events) {
  const bar = need(".toolbar", HTMLElement);
  const input = need("#find", HTMLInputElement);
  const buttons = findAll(".states button", HTMLElement);
  const amiss = need(".amiss", HTMLElement);
  const order = makeOrder(known, events.sort);

  bar.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", () => events.find(input.value));
  for (const button of buttons) {
    button.addEventListener("click", () => events.toggle(button.dataset.state ?? ""));
  }
  need("[data-clear]", HTMLElement).addEventListener("click", () => {
    events.clear();
    input.focus();
  });

  return {
    /** @param {View} view @param {Sifted} sifted */
    show(view, { visible, none, states, complaints }) {
      bar.hidden = false;
      if (input.value !== view.q) input.value = view.q;
      need(".shown", HTMLElement).textContent = countText(visible, total);
      need(".nothing", HTMLElement).hidden = !none;
      for (const button of buttons) {
        const state = button.dataset.state ?? "";
        button.setAttribute("aria-pressed", String(view.states.has(state)));
        need("b", HTMLElement, button).textContent = String(states.get(state) ?? 0);
      }
      amiss.replaceChildren(...complaints.slice(0, MOST_COMPLAINTS).map(complaintLine));
      amiss.hidden = complaints.length === 0;
      order.show(view.options.sort ?? "");
    },
    /** What only the present view has. @param {HTMLElement | undefined} controls */
    lend(controls) {
      need(".options", HTMLElement).replaceChildren(...(controls ? [controls] : []));
    },
    focus() {
      input.focus();
      input.select();
    },
    empty() {
      input.value = "";
      events.find("");
    },
    scrollIntoView: () => bar.scrollIntoView(),
  };
}

/** More are not read. */
const MOST_COMPLAINTS = 3;

/** Alternately a text and what was typed. @param {string[]} parts */
function complaintLine(parts) {
  return el(
    "span",
    null,
    ...parts.map((part, i) => (i % 2 ? el("code", null, shown(part)) : part)),
  );
}

/**
 * The order: by what, and which way round.
 * @param {Known} known
 * @param {(sort: string) => void} choose
 */
function makeOrder(known, choose) {
  const select = need("#sort", HTMLSelectElement);
  const way = need("#way", HTMLElement);
  const axes = [...known.axes].map(([key, { name }]) => [key, shown(name)]);
  const checks = [...known.measured].map((name) => [name.toLowerCase(), shown(name)]);
  const basic = [
    ["", "As in the manifest"],
    ["name", "Name"],
    ["cost", "Cost"],
    ["time", "Generation time"],
    ["seconds", "Length"],
    ["stars", "Stars"],
  ];
  for (const [value, title] of [...basic, ...axes, ...checks]) {
    select.append(el("option", { value }, title));
  }
  let isDown = false;
  const tell = () => choose((select.value && isDown ? "-" : "") + select.value);
  select.addEventListener("change", tell);
  way.addEventListener("click", () => {
    isDown = !isDown;
    tell();
  });
  return {
    /** @param {string} sort */
    show(sort) {
      isDown = sort.startsWith("-");
      select.value = isDown ? sort.slice(1) : sort;
      way.hidden = select.value === "";
      way.textContent = isDown ? "↓" : "↑";
      way.setAttribute("aria-label", isDown ? "Highest first" : "Lowest first");
    },
  };
}
