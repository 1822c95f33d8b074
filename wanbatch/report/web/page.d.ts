// The shapes of the page's parts, which are made of a browser's nodes: what a view is, and
// what it is made from. It is no part of the page.

/** A key, or several with spaces between them, and what it does. */
type KeyHelp = [keys: string, does: string];

/** What is there in every view. `onKey` says whether the key was its own. */
interface PagePart {
  keys?: KeyHelp[];
  onKey?(event: KeyboardEvent): boolean;
  /** All of one job is shown now. */
  opened?(entry: Entry): void;
  /** Called whenever the view changed, before the view itself is shown. */
  show?(view: View): void;
}

/**
 * One way to look at the jobs, in its own node. `show` is called whenever something
 * changed while the view is the one that is shown, `leave` when another takes its place.
 * A promise of the first `show` is waited for before the page is called ready. Where an
 * element stands for a job, it has `data-key`, the entry's key.
 */
interface PageView {
  node: HTMLElement;
  keys?: KeyHelp[];
  onKey?(event: KeyboardEvent): boolean;
  show(wanted: Entry[], view: View): void | Promise<void>;
  leave(): void;
  /** What stands in the toolbar while the view is shown. */
  controls?: HTMLElement;
  /** Puts the focus on what stands for the entry. */
  focus?(entry: Entry): void;
}

/** What a view is made from. */
interface PageContext {
  data: Data;
  entries: Entry[];
  byKey: Map<string, Entry>;
  still: MediaQueryList;
  picks: Picks;
  /** The axes, tags and checks that the jobs have. */
  known: Known;
  /** Shows all of one job. */
  open(entry: Entry): void;
  /** Changes the view and its address; an option of "" goes. */
  go(change: Partial<View>): void;
  /** Shows the present view anew, after something it shows has changed. */
  refresh(): void;
  /** What the filter leaves, in the order of the sort; former jobs come last. */
  wanted(): Entry[];
  /** The entry that is open, else the one that has the focus or the pointer's. */
  current(): Entry | undefined;
}
