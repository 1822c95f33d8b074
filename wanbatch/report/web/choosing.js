// Choosing by keys in every view: the marks, the counts in the toolbar, the note, the
// strip in the job's panel, review.json out and in.
//
// It may not decide what a key means or what a file says (picks.js and review.js do), or
// send anything: a download is a file of the page's own making.
// @ts-check

/** @type {KeyHelp[]} */
const CHOOSING_KEYS = [
  ["k x", "keep it, reject it; again takes it back"],
  ["1 2 3 4 5", "stars; 0 for none"],
  ["n", "a note"],
  ["u", "takes the last choice back"],
  ["e", "exports review.json"],
];
/** A review of 100,000 notes has less. */
const LARGEST_REVIEW = 64 * 1024 * 1024;
const SAID_MS = 2600;

/** @returns {PicksStore} what throws, as storage may for a page from disk, keeps nothing */
function makeStore() {
  return {
    read(name) {
      try {
        return localStorage.getItem(name);
      } catch {
        return null;
      }
    },
    write(name, text) {
      try {
        localStorage.setItem(name, text);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** @param {HTMLElement} card @param {Choice} choice */
function markCard(card, choice) {
  const text = choiceMark(choice);
  const known = find(".chosen", HTMLElement, card);
  if (!text && !known) return;
  const mark = known ?? el("span", { class: "chosen" });
  mark.textContent = text;
  mark.dataset.verdict = choice.verdict;
  card.classList.toggle("rejected", choice.verdict === "reject");
  if (!known) need(".stage", HTMLElement, card).append(mark);
}

/**
 * @param {PageContext} page
 * @returns {PagePart}
 */
function makeChoosing(page) {
  const { picks } = page;
  const counts = el("summary", null);
  const kept = el("p", null);
  const name = el("input", { type: "text", maxlength: 100, autocomplete: "off" });
  const file = el("input", { type: "file", accept: ".json", multiple: true });
  const said = el("output", { class: "said", "aria-live": "polite" });
  const menu = el(
    "details",
    { class: "menu review" },
    counts,
    el(
      "div",
      null,
      el("label", null, "Your name in the file", name),
      actionButton("Export review.json", "e", exportReview),
      el("label", { class: "act" }, "Add files of other people", file),
      kept,
    ),
  );
  need(".toolbar", HTMLElement).append(menu);
  document.addEventListener("pointerdown", ({ target }) => {
    if (target instanceof Node && !menu.contains(target)) menu.open = false;
  });
  document.body.append(said);
  name.addEventListener("change", () => picks.rename(name.value));
  file.addEventListener("change", () => importReviews([...(file.files ?? [])]));
  picks.onChange(showCounts);
  showCounts();

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let fading;
  /** @type {{node: HTMLElement, show: () => void} | null} */
  let strip = null;
  picks.onChange(() => strip?.show());

  function showCounts() {
    const { keep, reject } = choiceCounts(picks.all().values());
    const parts = [el("b", null, String(keep)), " kept", reject ? ` · ${reject} rejected` : ""];
    counts.replaceChildren(...(keep || reject ? parts : ["Choose"]));
    name.value = picks.me();
    kept.textContent = picks.isKept()
      ? "Kept in this browser, for this report."
      : "This browser keeps nothing: export before you close the page.";
  }

  /** @param {string} text */
  function say(text) {
    said.textContent = text;
    said.classList.add("on");
    clearTimeout(fading);
    fading = setTimeout(() => said.classList.remove("on"), SAID_MS);
  }

  /** @param {Entry} entry @param {Partial<Choice>} change */
  function choose(entry, change) {
    picks.set(entry.key, change);
    say(`${shown(entry.job.name)}: ${choiceMark(picks.of(entry.key)) || "no choice"}`);
  }

  function undo() {
    const key = picks.undo();
    const what = key ? shown(key) : "the last duel";
    say(key === undefined ? "Nothing to take back" : `Taken back: ${what}`);
  }

  function exportReview() {
    const text = `${JSON.stringify(picks.review(), null, 1)}\n`;
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = el("a", { href: address, download: "review.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    say("review.json is in your downloads");
  }

  /** @param {File[]} files */
  async function importReviews(files) {
    const said = [];
    for (const one of files) {
      try {
        if (one.size > LARGEST_REVIEW) throw new Error("it is too large");
        const review = readReview(await one.text());
        picks.merge(review);
        said.push(`${shown(one.name)}: ${review.picks.length} picks, ${review.duels.length} duels`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        said.push(`${shown(one.name)} was not added: ${shown(why.slice(0, 200))}`);
      }
    }
    file.value = "";
    say(said.join("\n"));
  }

  /** @param {Entry} entry */
  function makeStrip(entry) {
    const { key } = entry;
    const keep = actionButton("Keep", "k", () => choose(entry, changeAfter("k")));
    const reject = actionButton("Reject", "x", () => choose(entry, changeAfter("x")));
    const note = actionButton("Note", "n", () => editNote(entry));
    const words = el("p", { class: "words", dir: "auto" });
    const stars = [1, 2, 3, 4, 5].map((count) => {
      const label = `${count} ${count === 1 ? "star" : "stars"}`;
      const star = el("button", { type: "button", class: "star", "aria-label": label }, "★");
      star.addEventListener("click", () =>
        choose(entry, { stars: picks.of(key).stars === count ? 0 : count }),
      );
      return star;
    });
    const node = el(
      "section",
      { class: "choosing", "aria-label": "Your choice" },
      el("div", null, keep, reject, el("span", { class: "stars" }, ...stars), note),
      words,
    );

    /** @param {string} pressed */
    function changeAfter(pressed) {
      return changeOf(pressed, picks.of(key)) ?? {};
    }

    function show() {
      const choice = picks.of(key);
      keep.setAttribute("aria-pressed", String(choice.verdict === "keep"));
      reject.setAttribute("aria-pressed", String(choice.verdict === "reject"));
      stars.forEach((star, at) => {
        star.classList.toggle("lit", at < choice.stars);
        star.setAttribute("aria-pressed", String(at + 1 === choice.stars));
      });
      const lines = [choice.note, ...othersLines(picks.others(key))].filter(Boolean);
      words.textContent = lines.map(shown).join("\n");
    }
    show();
    return { node, show };
  }

  /** @param {Entry} entry */
  function editNote(entry) {
    const field = el("textarea", { rows: 4, maxlength: 10_000, "aria-label": "Note" });
    field.value = picks.of(entry.key).note;
    const save = actionButton("Save", "Enter", () => {
      choose(entry, { note: field.value.trim() });
      box.close();
    });
    const title = el("h2", null, el("bdi", null, shown(entry.job.name)));
    const box = el("dialog", { class: "note", "aria-label": "Note" }, title, field, save);
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      save.click();
    });
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
    field.focus();
  }

  return {
    keys: CHOOSING_KEYS,
    opened(entry) {
      strip?.node.remove();
      strip = null;
      if (!entry.job.output) return;
      const made = makeStrip(entry);
      strip = made;
      find("#job .panel", HTMLElement)?.prepend(made.node);
    },
    onKey(event) {
      if (find("dialog.note[open]", HTMLElement)) return false;
      if (event.key === "u") undo();
      else if (event.key === "e") exportReview();
      else {
        const entry = page.current();
        const change = entry && changeOf(event.key, picks.of(entry.key));
        if (entry && change) choose(entry, change);
        else if (entry && event.key === "n") editNote(entry);
        else return false;
      }
      return true;
    },
  };
}

/**
 * @param {string} text
 * @param {string} key
 * @param {() => void} act
 */
function actionButton(text, key, act) {
  const button = el("button", { type: "button", class: "act" }, text, el("kbd", null, key));
  button.addEventListener("click", act);
  return button;
}
