// What Python wrote for readers without scripts, made better for those who have them:
// instants in their own time zone, texts made harmless, commands with a button to copy.
//
// It may not read the data block: all it needs stands in the page's markup.
// @ts-check

function dressSkeleton() {
  for (const node of findAll("time[datetime]", HTMLTimeElement)) {
    node.title = node.textContent ?? "";
    node.textContent = MINUTE.format(new Date(node.dateTime));
  }
  for (const node of findAll("[data-shown]", HTMLElement)) {
    node.textContent = shown(node.textContent);
  }
  for (const code of findAll("code[data-copy]", HTMLElement)) {
    code.replaceWith(copyable(code.textContent ?? ""));
  }
}
