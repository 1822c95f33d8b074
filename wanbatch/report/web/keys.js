// The panel that `?` opens: every key and what it does, in the words of the parts that
// hear them.
//
// It may not hear any key itself but those that close it.
// @ts-check

/** @type {HTMLDialogElement | null} */
let keyPanel = null;

function isKeyPanelOpen() {
  return keyPanel != null;
}

/** @param {[title: string, keys: KeyHelp[]][]} groups */
function openKeyPanel(groups) {
  const close = el("button", { type: "button", "aria-label": "Close" }, "✕");
  const panel = el(
    "dialog",
    { id: "keys", "aria-labelledby": "keys-title" },
    el("div", { class: "bar" }, el("h2", { id: "keys-title" }, "Keys"), close),
    el("div", { class: "body" }, groups.filter(([, keys]) => keys.length).map(keyGroup)),
  );
  close.addEventListener("click", () => panel.close());
  panel.addEventListener("click", (event) => {
    if (event.target === panel) panel.close();
  });
  panel.addEventListener("close", () => {
    panel.remove();
    keyPanel = null;
  });
  keyPanel = panel;
  document.body.append(panel);
  panel.showModal();
}

/** @param {[title: string, keys: KeyHelp[]]} group */
function keyGroup([title, keys]) {
  const rows = keys.flatMap(([pressed, does]) => [
    el("dt", null, ...pressed.split(" ").map((key) => el("kbd", null, key))),
    el("dd", null, does),
  ]);
  return el("section", null, el("h3", null, title), el("dl", null, rows));
}
