// The page's elements: finding them and making them.
//
// It may not set markup from text, or know a job: whatever a manifest or a provider
// said becomes a text node or an attribute here, and no other file makes nodes.
// @ts-check

/** @typedef {Node | string | null | undefined} Child what an element takes */

/** Instants in the reader's own language and time zone. */
const INSTANT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const MINUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/**
 * An element that may be missing.
 * @template {Element} E
 * @param {string} selector
 * @param {new () => E} kind
 * @param {ParentNode} [root]
 * @returns {E | null}
 */
function find(selector, kind, root = document) {
  const found = root.querySelector(selector);
  return found instanceof kind ? found : null;
}

/**
 * An element that the page's skeleton has.
 * @template {Element} E
 * @param {string} selector
 * @param {new () => E} kind
 * @param {ParentNode} [root]
 * @returns {E}
 */
function need(selector, kind, root = document) {
  const found = find(selector, kind, root);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

/**
 * @template {Element} E
 * @param {string} selector
 * @param {new () => E} kind
 * @param {ParentNode} [root]
 * @returns {E[]}
 */
function findAll(selector, kind, root = document) {
  const found = [...root.querySelectorAll(selector)];
  return found.flatMap((node) => (node instanceof kind ? [node] : []));
}

/**
 * A new element. A property that is no text is set as one; everything else is an
 * attribute.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown> | null} [props]
 * @param {(Child | Child[])[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name in node && typeof value !== "string") Object.assign(node, { [name]: value });
    else node.setAttribute(name, String(value));
  }
  for (const child of children.flat()) if (child != null && child !== "") node.append(child);
  return node;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} props
 */
function svg(tag, props) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, String(value));
  return node;
}
