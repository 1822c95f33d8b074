// The grid's geometry: axes, what stands where by default, cells, the way of the arrows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const grid = load("grid_axes.js");

/** Entries of a matrix, by their axes; `changes` are those of a job's request. */
function entriesOf(cells, changes = () => ({})) {
  return cells.map((axes, at) => {
    const request = { ...jobOf().request, seed: axes.seed ?? 100, ...changes(axes) };
    const job = jobOf({ name: `job ${at}`, axes, request });
    return { job, key: job.name, former: false, text: "" };
  });
}

/** Every combination of the axes' values. */
function matrix(axes) {
  return Object.entries(axes).reduce(
    (cells, [name, values]) =>
      cells.flatMap((cell) => values.map((value) => ({ ...cell, [name]: value }))),
    [{}],
  );
}

const SWEEP = {
  hour: ["dawn", "dusk"],
  lens: ["35mm", "50mm", "85mm"],
  seed: [100, 101, 102, 103],
};
const sides = (layout) =>
  ["cols", "rows", "scols", "srows"].map((side) => layout[side]?.name ?? null);

test("an axis is what jobs differ by, with its values in order", () => {
  const entries = entriesOf(matrix(SWEEP));
  assert.deepEqual(
    grid.gridAxes(entries).map(({ name, values }) => [name, ...values]),
    [
      ["hour", "dawn", "dusk"],
      ["lens", "35mm", "50mm", "85mm"],
      ["seed", "100", "101", "102", "103"],
    ],
  );
  const late = entriesOf([{ seed: 20 }, { seed: 3 }], ({ seed }) => ({ size: `${seed}P` }));
  assert.deepEqual(
    grid.gridAxes(late).map(({ name, values }) => [name, ...values]),
    [
      ["seed", "3", "20"],
      ["size", "20P", "3P"],
    ],
  );
});

test("row, take, job, size and seconds are axes too", () => {
  const [one, two] = entriesOf([
    { row: "a", take: 1 },
    { row: "b", take: 2 },
  ]);
  two.job.id = "closing";
  two.job.request = { ...two.job.request, size: "1080P", seconds: 10 };
  const names = grid.gridAxes([one, two]).map(({ name }) => name);
  assert.deepEqual(names, ["row", "take", "job", "size", "seconds"]);
});

test("a job without the axis has a place of its own", () => {
  const entries = entriesOf([{ hour: "dawn" }, { hour: "dusk" }, {}]);
  assert.deepEqual(grid.gridAxes(entries)[0].values, ["dawn", "dusk", ""]);
  assert.equal(grid.axisValue(entries[2].job, "toString"), "");
});

test("by default most values go across, the next down, and the rest is selected", () => {
  const layout = grid.layoutOf(entriesOf(matrix(SWEEP)), {});
  assert.deepEqual(sides(layout), ["seed", "lens", null, null]);
  assert.deepEqual([...layout.chosen], [["hour", "dawn"]]);
});

test("what names each job makes no grid where something else does", () => {
  let seed = 0;
  const cells = matrix({ hour: SWEEP.hour, lens: SWEEP.lens });
  const own = entriesOf(cells, () => ({ seed: seed++ }));
  const layout = grid.layoutOf(own, {});
  assert.deepEqual(sides(layout), ["lens", "hour", null, null]);
  assert.deepEqual([...layout.chosen], [["seed", null]], "a seed of its own hides no job");
  const alone = grid.layoutOf(
    entriesOf([{}, {}], () => ({ seed: seed++ })),
    {},
  );
  assert.deepEqual(sides(alone), ["seed", null, null, null]);
});

test("an axis that follows from the columns says nothing new down", () => {
  const moods = { dawn: "calm", noon: "hard", dusk: "warm" };
  const cells = matrix({ hour: Object.keys(moods), lens: ["35mm", "50mm"] });
  const layout = grid.layoutOf(entriesOf(cells.map((c) => ({ ...c, mood: moods[c.hour] }))), {});
  assert.deepEqual(sides(layout), ["hour", "lens", null, null]);
  assert.deepEqual([...layout.chosen], [["mood", null]]);
});

test("the address decides, as far as it names axes", () => {
  const entries = entriesOf(matrix(SWEEP));
  const all = { cols: "hour", rows: "seed", scols: "lens", srows: "nothing" };
  assert.deepEqual(sides(grid.layoutOf(entries, all)), ["hour", "seed", "lens", null]);
  const twice = grid.layoutOf(entries, { cols: "hour", rows: "hour" });
  assert.deepEqual(sides(twice), ["hour", "seed", null, null], "an axis stands once");
  const bare = grid.layoutOf(entries, { cols: "-", rows: "-", at: "hour=dusk&lens&seed=7" });
  assert.deepEqual(sides(bare), [null, null, null, null]);
  assert.deepEqual(Object.fromEntries(bare.chosen), { hour: "dusk", lens: null, seed: "100" });
});

test("an outer axis alone is the inner one", () => {
  const entries = entriesOf(matrix(SWEEP));
  const layout = grid.layoutOf(entries, { cols: "-", scols: "hour", srows: "lens" });
  assert.deepEqual(sides(layout), ["hour", "lens", null, null]);
});

test("every job stands in its cell, and heads without jobs are left out", () => {
  const cells = matrix(SWEEP).filter(({ hour, lens }) => hour === "dawn" || lens === "35mm");
  const entries = entriesOf(cells);
  const options = { cols: "lens", scols: "hour", rows: "seed" };
  const layout = grid.layoutOf(entries, options);
  const wanted = new Set(entries.filter(({ job }) => job.axes.seed !== 101));
  const sheet = grid.sheetOf(entries, wanted, layout);
  assert.deepEqual(
    sheet.columns.map(({ outer, value, first }) => [outer, value, first]),
    [
      ["dawn", "35mm", true],
      ["dawn", "50mm", false],
      ["dawn", "85mm", false],
      ["dusk", "35mm", true],
    ],
  );
  assert.equal(grid.spanOf(sheet.columns, 0), 3);
  assert.equal(grid.spanOf(sheet.columns, 3), 1);
  for (const [r, row] of sheet.rows.entries()) {
    for (const [c, { value, outer }] of sheet.columns.entries()) {
      const cell = sheet.cells[r][c];
      if (row.value === "101") assert.deepEqual(cell, { entries: [], hidden: 1 });
      else {
        const [{ job }] = cell.entries;
        assert.deepEqual(job.axes, { hour: outer, lens: value, seed: Number(row.value) });
        assert.equal(cell.entries.length, 1);
      }
    }
  }
});

test("a selector leaves its value, and all where it has none", () => {
  const entries = entriesOf(matrix(SWEEP));
  const count = (at) => {
    const layout = grid.layoutOf(entries, { at });
    const { cells } = grid.sheetOf(entries, new Set(entries), layout);
    return cells.flat().map((cell) => cell.entries.length);
  };
  assert.deepEqual(count(undefined), new Array(12).fill(1));
  assert.deepEqual(count("hour"), new Array(12).fill(2));
});

test("a cell that no job has is empty", () => {
  const entries = entriesOf(matrix(SWEEP).filter((_, at) => at !== 5));
  const layout = grid.layoutOf(entries, {});
  const { cells } = grid.sheetOf(entries, new Set(entries), layout);
  assert.equal(cells.flat().filter((cell) => !cell.entries.length && !cell.hidden).length, 1);
  const none = grid.sheetOf([], new Set(), grid.layoutOf([], {}));
  assert.deepEqual([none.columns, none.cells], [[], []]);
});

test("values go round", () => {
  const axis = { name: "hour", values: ["dawn", "noon", "dusk"] };
  const after = (value, step) => grid.valueAfter(axis, value, step);
  assert.deepEqual(
    [after("dawn", 1), after("dusk", 1), after("dawn", -1)],
    ["noon", "dawn", "dusk"],
  );
  assert.deepEqual([after(null, 1), after(null, -1)], ["dawn", "dusk"]);
});

test("arrows pass over empty cells", () => {
  const map = ["x.x", "..x", "x.."];
  const isFilled = (row, column) => map[row][column] === "x";
  const go = (key, row, column) => grid.cellAfter(key, [row, column], isFilled, 3, 3);
  assert.deepEqual(go("ArrowRight", 0, 0), [0, 2]);
  assert.deepEqual(go("ArrowDown", 0, 0), [2, 0]);
  assert.deepEqual(go("ArrowDown", 0, 2), [1, 2]);
  assert.deepEqual(go("ArrowUp", 2, 0), [0, 0]);
  assert.deepEqual(go("ArrowLeft", 0, 2), [0, 0]);
  assert.deepEqual(
    [go("Home", 0, 2), go("End", 0, 0)],
    [
      [0, 0],
      [0, 2],
    ],
  );
  for (const key of ["ArrowLeft", "ArrowRight", "ArrowDown", "Enter", "toString"]) {
    assert.equal(go(key, 2, 0), undefined, key);
  }
});

test("pairs come back from the address as they went", () => {
  const pairs = new Map([
    ["hour", "dawn & dusk=no"],
    ["a=b", null],
    ["empty", ""],
  ]);
  assert.deepEqual([...grid.readPairs(grid.writePairs(pairs))], [...pairs]);
  assert.deepEqual(
    [...grid.readPairs("a%=%E0%A4&b")],
    [
      ["a%", "%E0%A4"],
      ["b", null],
    ],
  );
  assert.equal(grid.readPairs(undefined).size, 0);
});
