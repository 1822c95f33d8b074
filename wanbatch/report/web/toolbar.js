// The bar over the cards: the filter's field, a button for each state, the count, and
// the line that says that no job matches.
//
// It may not filter, or keep the view: it shows the one that it is given and tells what
// the reader asked for.
// @ts-check

/**
 * @typedef {object} ToolbarEvents what the reader asked for
 * @property {(q: string) => void} find
 * @property {(state: JobState) => void} toggle
 * @property {() => void} clear
 */

/** @param {ToolbarEvents} events */
function makeToolbar(events) {
  const bar = need(".toolbar", HTMLElement);
  const input = need("#find", HTMLInputElement);
  const buttons = findAll(".states button", HTMLElement);

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
    /** @param {View} view @param {number} visible @param {number} total @param {boolean} none */
    show(view, visible, total, none) {
      bar.hidden = false;
      if (input.value !== view.q) input.value = view.q;
      need(".shown", HTMLElement).textContent = countText(visible, total);
      need(".nothing", HTMLElement).hidden = !none;
      for (const button of buttons) {
        const isPressed = view.states.has(button.dataset.state ?? "");
        button.setAttribute("aria-pressed", String(isPressed));
      }
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
