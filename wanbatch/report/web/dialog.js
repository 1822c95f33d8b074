// The panel over the page that shows one job, with its video playing.
//
// It may not choose the job or touch the address: it shows the one that it is given and
// tells what the reader asked for.
// @ts-check

/**
 * @typedef {object} DialogEvents what the reader asked for, and what became of it
 * @property {(step: number) => void} step the next job, or the one before
 * @property {() => void} close
 * @property {(last: Entry | null) => void} left it is closed, and `last` was shown
 * @property {(name: string) => void} follow a link to another job
 * @property {() => void} compare this job with others
 */

/**
 * @param {Data} data
 * @param {MediaQueryList} still
 * @param {DialogEvents} events
 */
function makeDialog(data, still, events) {
  const dialog = need("#job", HTMLDialogElement);
  const body = need(".body", HTMLElement, dialog);
  const steps = findAll("[data-step]", HTMLButtonElement, dialog);
  /** @type {Entry | null} */
  let current = null;

  need("[data-close]", HTMLElement, dialog).addEventListener("click", events.close);
  for (const button of steps) {
    button.addEventListener("click", () => events.step(Number(button.dataset.step)));
  }
  body.addEventListener("click", (event) => {
    const at = event.target instanceof Element ? event.target : null;
    const link = at?.closest("[data-job]");
    if (link instanceof HTMLElement) {
      event.preventDefault();
      events.follow(link.dataset.job ?? "");
    } else if (at?.closest("[data-compare]")) events.compare();
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    events.close();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) events.close();
  });
  dialog.addEventListener("close", () => {
    const video = find("video", HTMLVideoElement, dialog);
    video?.removeAttribute("src");
    video?.load();
    body.replaceChildren();
    const last = current;
    current = null;
    events.left(last);
  });

  return {
    isOpen: () => dialog.open,
    current: () => current,
    close: () => dialog.close(),
    /** @param {Entry} entry @param {(step: number) => boolean} leads whether a step leads on */
    show(entry, leads) {
      if (current === entry && dialog.open) return;
      const wasOpen = dialog.open;
      current = entry;
      need("#job-title", HTMLElement).replaceChildren(...jobTitle(entry.job));
      body.replaceChildren(makeScreen(entry.job, data), makePanel(entry.job, data));
      for (const button of steps) button.disabled = !leads(Number(button.dataset.step));
      if (!wasOpen) dialog.showModal();
      if (!dialog.contains(document.activeElement) || !wasOpen) dialog.focus();
      const video = find("video", HTMLVideoElement, dialog);
      if (video && !still.matches) video.play().catch(() => {});
    },
  };
}
