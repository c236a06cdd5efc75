// Finds parts of a page by what people call them. Takes steps, [kind, what], each within what the one before it has found; gives
// the elements that can be seen.
const steps = arguments[0];

const tidy = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const shown = (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });

// What a screen reader would say of the content.
const spoken = (element) => {
  if (!element.querySelector("[aria-hidden=true], [hidden], script, style")) return tidy(element.textContent);
  const copy = element.cloneNode(true);
  for (const silent of copy.querySelectorAll("[aria-hidden=true], [hidden], script, style")) silent.remove();
  return tidy(copy.textContent);
};

const labelled = (element) => {
  const by = element.getAttribute("aria-labelledby");
  if (!by) return tidy(element.getAttribute("aria-label"));
  return tidy(by.split(/\s+/).map((id) => document.getElementById(id)?.textContent).join(" "));
};

const HEADINGS = "h1, h2, h3, h4, h5, h6, [role=heading]";
const ROWS = "tr, [role=row], li, article";

// What parts of a kind are, and what each is called.
const KINDS = {
  button: {
    are: "button, summary, [role=button], input[type=submit], input[type=button]",
    called: (it) => labelled(it) || spoken(it) || tidy(it.value) || tidy(it.title),
  },
  dialog: {
    are: "dialog[open], [role=dialog], [role=alertdialog]",
    called: (it) => labelled(it) || tidy(it.querySelector(HEADINGS)?.textContent),
  },
  field: {
    are: "input:not([type=hidden]):not([type=submit]):not([type=button]), select, textarea",
    called: (it) => labelled(it) || [...(it.labels ?? [])].map(spoken).join(" ") || tidy(it.title) || tidy(it.placeholder),
  },
  heading: { are: HEADINGS, called: (it) => labelled(it) || spoken(it) },
  link: { are: "a[href], [role=link]", called: (it) => labelled(it) || spoken(it) || tidy(it.title) },
  region: {
    are: "section, nav, main, aside, form, fieldset, search, [role=region], [role=search], [role=group]",
    called: (it) => labelled(it) || tidy(it.querySelector(`:scope > legend, ${HEADINGS}`)?.textContent),
  },
};

// A row, an entry of a list or a card is called what its link, its head or its heading is.
const rows = (scope, name) => {
  const heads = scope.querySelectorAll(`a[href], th, strong, [role=rowheader], ${HEADINGS}`);
  const named = [...heads].filter((it) => spoken(it) === name).map((it) => it.closest(ROWS));
  return named.filter((it) => it && scope.contains(it));
};

const within = (scope, [kind, what]) => {
  if (kind === "css") return [...scope.querySelectorAll(what)];
  if (kind === "row") return rows(scope, what);
  const { are, called } = KINDS[kind];
  return [...scope.querySelectorAll(are)].filter((it) => called(it) === what);
};

let found = [document];
for (const step of steps) found = [...new Set(found.flatMap((scope) => within(scope, step)))].filter(shown);
return found;
