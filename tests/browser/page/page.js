const table = document.querySelector("table");
const dialog = document.querySelector("dialog");
const [cancel, promote] = dialog.querySelectorAll("button");

new EventSource("/live").onmessage = ({ data }) => {
  for (const [name, status] of Object.entries(JSON.parse(data))) {
    table.querySelector(`[data-name="${name}"] td`).textContent = status;
  }
};

const search = document.querySelector("#search");
const status = document.querySelector("#status");
document.querySelector("search").addEventListener("input", () => {
  for (const row of table.tBodies[0].rows) {
    row.hidden = !row.dataset.name.includes(search.value) || !row.textContent.includes(status.value);
  }
});

table.addEventListener("click", ({ target }) => {
  if (target.localName !== "button") return;
  dialog.dataset.name = target.closest("tr").dataset.name;
  dialog.querySelector("h2").textContent = `Promote ${dialog.dataset.name}?`;
  dialog.showModal();
});

cancel.addEventListener("click", () => dialog.close());
promote.addEventListener("click", async () => {
  const { name } = dialog.dataset;
  dialog.close();
  await fetch(`/promote/${name}`, { method: "POST" });
  document.querySelector("[role=status]").textContent = `${name} is promoted.`;
});
