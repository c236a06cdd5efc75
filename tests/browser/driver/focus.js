// Whether what has the focus can be told from how it looks without it.
const element = document.activeElement;
const PROPERTIES = [
  "outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderTopColor", "borderTopWidth", "backgroundColor", "color",
  "textDecorationLine",
];
const look = () => {
  const style = getComputedStyle(element);
  return JSON.stringify(PROPERTIES.map((it) => style[it]));
};
// Colours that change slowly would be caught in the middle.
const transition = element.style.transition;
element.style.transition = "none";
const focused = look();
element.blur();
const left = look();
element.focus({ focusVisible: true, preventScroll: true });
element.style.transition = transition;
return focused !== left;
