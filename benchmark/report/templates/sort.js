// A click on a column's name, or Enter, sorts its table: descending first, words from A. Rows of missing values stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, column, head));
  }
}

function sort(table, column, head) {
  const body = table.tBodies[0];
  const values = new Map([...body.rows].map((row) => [row, value(row.cells[column])]));
  const down = head.ariaSort ? head.ariaSort === "ascending" : [...values.values()].some((one) => typeof one === "number");
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.ariaSort = down ? "descending" : "ascending";
  const sign = down ? -1 : 1;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [values.get(a), values.get(b)];
    if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
    return sign * (typeof x === "number" ? x - y : x.localeCompare(y));
  });
  body.append(...rows);
}

function value(cell) {
  const text = (cell?.textContent ?? "").trim();
  const found = text.replace("\u2212", "-").match(/^[<+-]?\s?\d*\.?\d+/);
  return found ? Number(found[0].replace(/[<\s+]/g, "")) : text;
}
