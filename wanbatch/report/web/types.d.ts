// The shapes that the page's scripts share, for the type checker and for readers. It is
// no part of the page. `Job` and what hangs on it are the fields of report.json that
// the page reads. schemas/report.schema.json has all of them, SHAPES of
// wanbatch/report/formats/packing.py these: tests compare the three. `Data` is what
// wanbatch/report/formats/page.py puts into the data block, unpacked.

type JobState = string;

interface Cost {
  spent: string | null;
  reserved: string | null;
  currency: string;
}

interface Fault {
  code: string;
  message: string;
}

interface Timings {
  submitted_at: string | null;
  stored_at: string | null;
  queue_s: number | null;
  submit_s: number | null;
  generation_s: number | null;
  download_s: number | null;
}

interface Media {
  type: string;
  source: string;
  sha256?: string | null;
}

interface Request {
  model: string;
  prompt?: string | null;
  negative_prompt?: string | null;
  media: Media[];
  seconds: number;
  size: string;
  seed: number | null;
  prompt_extend: boolean;
  watermark: boolean;
}

interface Attempt {
  state: string;
  authority: string;
  manifest: string;
  job: string;
  task_id: string | null;
  timings: Timings;
  cost: Cost;
  reason: string | null;
  error: Fault | null;
}

interface Output {
  path: string;
  sha256: string;
  bytes: number;
  seconds: number;
  width: number;
  height: number;
  fps: number;
  has_audio: boolean;
}

interface Check {
  name: string;
  passed: boolean;
  value: number | string | null;
  message: string;
}

interface Job {
  name: string;
  id: string;
  axes: Record<string, string | number | boolean | null>;
  tags: string[];
  fingerprint: string;
  state: JobState;
  backend: string;
  task_id: string | null;
  request: Request;
  attempts: Attempt[];
  timings: Timings;
  cost: Cost;
  output: Output | null;
  poster: string | null;
  preview: string | null;
  frames: string | null;
  checks: Check[];
  /** The checks that fall short of what the manifest expects. */
  error: Fault | null;
}

/** What to do about the jobs of one state: each step has a reason and a command. */
interface Advice {
  jobs: string[];
  state: JobState;
  /** What the code of a failure means. */
  meaning: string;
  steps: { when: string; command: string }[];
}

/** A part of a job's time: the field of its timings, the class that colours it. */
interface Stage {
  field: "queue_s" | "submit_s" | "generation_s" | "download_s";
  tone: string;
  label: string;
}

/** The words of wanbatch/report/labels.py. */
interface Labels {
  states: Record<JobState, string>;
  authorities: Record<string, string>;
  media: Record<string, string>;
  stages: Stage[];
  symbols: Record<string, string>;
}

interface Data {
  /** The view of a page that has none in its address; mostly empty. */
  opening: string;
  base: string;
  manifest: { name: string; sha256: string };
  realm: string;
  jobs: Job[];
  former: Job[];
  /** Small copies of the pictures that were given, by their SHA-256. */
  thumbnails: Record<string, string>;
  /** The command that makes JOB again. */
  again: string;
  advice: Advice[];
  labels: Labels;
}

/**
 * A job on the page: `key` names it in the address, `former` ones are in no manifest.
 */
interface Entry {
  job: Job;
  key: string;
  former: boolean;
  /** What the filter reads, made when it first asks. */
  text: string;
  /** What the pills count, made when they first do. */
  facets?: [group: string, value: string][];
}

/** The names of the views, in the order of their tabs. */
type ViewName = "gallery" | "table" | "grid" | "compare" | "duel";

/**
 * What the reader looks at; the address keeps it. `options` are the keys of OPTIONS
 * (view.js) that have a value: each view reads its own.
 */
interface View {
  q: string;
  states: Set<JobState>;
  job: string;
  show: ViewName;
  options: Record<string, string>;
}

/** What the reader chose of one job. */
interface Choice {
  verdict: "keep" | "reject" | "";
  stars: number;
  note: string;
}

interface Picks {
  of(key: string): Choice;
  set(key: string, change: Partial<Choice>): void;
  /** Those that say anything. */
  all(): Map<string, Choice>;
  /** What other people's files say of a job. */
  others(key: string): ReviewPick[];
  /** Hears which entry changed; of "" more than one may have. */
  onChange(heard: (key: string) => void): void;
  /** Takes the last change back: of which entry, "" of a duel; nothing where none is left. */
  undo(): string | undefined;
  duels(): Duel[];
  judge(duel: Omit<Duel, "by" | "at">): void;
  review(): Review;
  /** Adds other people's opinions. Throws where they are of another report. */
  merge(review: Review): void;
  me(): string;
  rename(name: string): void;
  /** Whether the browser keeps it when the page is closed. */
  isKept(): boolean;
}

/** What review.json has (schemas/review.schema.json). */
interface JobRef {
  name: string;
  fingerprint: string;
}

interface ReviewPick extends Choice, JobRef {
  video: string | null;
  by: string;
  at: string;
}

interface Duel {
  group: string;
  left: JobRef;
  right: JobRef;
  outcome: "left" | "right" | "same" | "both_bad";
  swapped: boolean;
  by: string;
  at: string;
}

interface Review {
  schema: string;
  manifest: { name: string; sha256: string };
  realm: string;
  reviewers: string[];
  picks: ReviewPick[];
  duels: Duel[];
  exported_at: string;
}
