// What makes the page wider than the screen. A phone lays a page out for a wide screen when it does not say that it fits a narrow one.
const width = Math.min(document.documentElement.clientWidth, screen.width);
if (document.scrollingElement.scrollWidth <= width) return [];

// What scrolls within its own frame is no wider than that.
const isFramed = (it) => {
  for (let outer = it.parentElement; outer !== document.body; outer = outer.parentElement) {
    if (getComputedStyle(outer).overflowX !== "visible") return true;
  }
  return false;
};
const right = (it) => Math.round(it.getBoundingClientRect().right + scrollX);
const describe = (it) => {
  const name = it.localName + (it.id && `#${it.id}`) + [...it.classList].map((one) => `.${one}`).join("");
  return `${name} reaches to ${right(it)} of ${width}`;
};
const wide = [];
for (const it of document.body.querySelectorAll("*")) {
  if (right(it) > width && !isFramed(it) && !wide.some((outer) => outer.contains(it))) wide.push(it);
}
return (wide.length > 0 ? wide : [document.body]).map(describe);
