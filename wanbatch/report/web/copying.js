// Buttons that copy: a text, or a command that is shown beside its button.
//
// It may not read the clipboard, or know what it copies.
// @ts-check

/** So long a button says that it has copied. */
const COPIED_MS = 1600;

/** @param {string} text */
function copier(text) {
  const button = el("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Not every browser lends a page from disk its clipboard: what can be copied is
      // selected.
      getSelection()?.selectAllChildren(button.previousElementSibling ?? button);
    }
    setTimeout(() => {
      button.textContent = "Copy";
    }, COPIED_MS);
  });
  return button;
}

/** @param {string} command */
function copyable(command) {
  const button = copier(command);
  button.classList.remove("copy");
  const words = commandWords(command).flatMap((word, i) => [
    i ? " " : null,
    el("span", null, word),
  ]);
  return el("span", { class: "command" }, el("code", null, words), button);
}
