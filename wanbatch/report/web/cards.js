// A card: the picture, the state and the first words of one job.
//
// It may not open, play or filter anything: it tells the page (`events`) what the
// reader did.
// @ts-check

/**
 * @typedef {object} CardEvents what the reader did to a card
 * @property {(entry: Entry) => void} open
 * @property {(entry: Entry, stage: HTMLElement, delayMs: number) => void} preview
 * @property {(stage: HTMLElement) => void} rest
 */

/** A mouse that only passes over a card starts nothing. */
const HOVER_MS = 90;

/**
 * @param {Entry} entry
 * @param {Data} data
 * @param {CardEvents} events
 */
function makeCard(entry, data, events) {
  const { job } = entry;
  const copy = need("#card", HTMLTemplateElement).content.cloneNode(true);
  const card = need(".card", HTMLElement, /** @type {DocumentFragment} */ (copy));
  const stage = need(".stage", HTMLElement, card);
  card.classList.add(job.state);
  card.dataset.key = entry.key;
  stage.setAttribute("aria-label", cardLabel(job));
  fillPicture(stage, job, data);
  need("h3", HTMLElement, card).textContent = job.id;
  need(".badge span", HTMLElement, card).textContent = job.state;
  need(".axes", HTMLElement, card).append(...axesLine(job));
  const prompt = need(".prompt", HTMLElement, card);
  if (job.request.prompt) prompt.textContent = shown(job.request.prompt);
  else prompt.remove();
  listenToStage(stage, entry, events);
  return card;
}

/**
 * @param {HTMLElement} stage
 * @param {Job} job
 * @param {Data} data
 */
function fillPicture(stage, job, data) {
  const picture = need("img", HTMLImageElement, stage);
  const word = need(".word", HTMLElement, stage);
  if (job.poster) {
    picture.dataset.source = addressOf(data.base, job.poster);
    picture.addEventListener("error", () => tellMissing(stage), { once: true });
  } else picture.remove();
  if (job.output) {
    const length = `${Number(job.output.seconds.toFixed(1))} s`;
    need(".length", HTMLElement, stage).textContent = length;
    if (!job.poster) word.textContent = "▶";
  } else {
    word.append(stateWord(job, data.labels));
    if (job.error) word.append(el("small", null, shown(job.error.message)));
  }
}

/** @param {HTMLElement} stage */
function tellMissing(stage) {
  find("img", HTMLImageElement, stage)?.remove();
  const text = "The picture is not beside this page";
  need(".word", HTMLElement, stage).replaceChildren(el("small", null, text));
}

/**
 * @param {HTMLElement} stage
 * @param {Entry} entry
 * @param {CardEvents} events
 */
function listenToStage(stage, entry, events) {
  stage.addEventListener("click", () => events.open(entry));
  stage.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") events.preview(entry, stage, HOVER_MS);
  });
  stage.addEventListener("pointerleave", () => events.rest(stage));
  stage.addEventListener("focus", () => {
    if (stage.matches(":focus-visible")) events.preview(entry, stage, 0);
  });
  stage.addEventListener("blur", () => events.rest(stage));
}

/** @param {Job} job */
function axesLine(job) {
  return axesOf(job).map(([name, value]) =>
    el("span", null, el("b", null, shown(name)), " ", shown(value)),
  );
}
