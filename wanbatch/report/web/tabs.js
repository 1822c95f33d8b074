// The switch of views over the toolbar: a button for each that the page has.
//
// It may not make or show a view: it tells which one the reader asked for.
// @ts-check

/**
 * @param {[name: ViewName, title: string][]} views
 * @param {(name: ViewName) => void} choose
 */
function makeTabs(views, choose) {
  const bar = need(".tabs", HTMLElement);
  const buttons = views.map(([name, title]) => {
    const button = el("button", { type: "button", "data-show": name }, title);
    button.addEventListener("click", () => choose(name));
    return button;
  });
  bar.replaceChildren(...buttons);
  bar.hidden = views.length < 2;
  return {
    /** @param {ViewName} name */
    show(name) {
      for (const button of buttons) {
        button.setAttribute("aria-pressed", String(button.dataset.show === name));
      }
    },
  };
}
