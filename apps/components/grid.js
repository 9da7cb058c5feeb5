// Draws a table that people can read, sort and hear: real cells, numbers on the right under their headings, totals on top.
// Every text comes from data and is set as text, never as markup.
const blank = (value) => value === null || value === undefined || value === "";

export default function (component) {
  const { data, parentElement } = component;
  const table = parentElement.querySelector("table");
  const frame = parentElement.querySelector(".frame");
  for (const [name, colour] of Object.entries(data.colours)) frame.style.setProperty(`--${name}`, colour);
  frame.style.maxHeight = `${data.height}px`;
  table.setAttribute("aria-label", data.title);
  let sorted = { column: -1, step: 1 };

  const cell = (kind, column, text, tone, link) => {
    const made = document.createElement(kind);
    made.className = [column.right ? "right" : "", tone || ""].join(" ").trim();
    if (column.width) made.style.maxWidth = `${column.width}px`;
    if (link) {
      const anchor = document.createElement("a");
      anchor.textContent = text;
      anchor.href = link;
      anchor.target = "_self";
      made.append(anchor);
    } else {
      made.textContent = text;
    }
    made.title = text;
    return made;
  };

  const line = (texts, tones, link) => {
    const made = document.createElement("tr");
    data.columns.forEach((column, at) =>
      made.append(cell("td", column, texts[at], tones ? tones[at] : "", at === 0 ? link : null)),
    );
    return made;
  };

  const draw = () => {
    const head = document.createElement("thead");
    const headings = document.createElement("tr");
    data.columns.forEach((column, at) => {
      const made = cell("th", column, "", "");
      made.scope = "col";
      made.title = column.help || column.heading;
      const button = document.createElement("button");
      button.textContent = column.heading;
      const arrow = document.createElement("span");
      arrow.textContent = sorted.column === at ? (sorted.step > 0 ? "↑" : "↓") : "";
      button.append(arrow);
      button.onclick = () => {
        // Numbers start with the largest, words with the first.
        const first = column.right ? -1 : 1;
        sorted = { column: at, step: sorted.column === at ? -sorted.step : first };
        draw();
      };
      if (sorted.column === at) made.setAttribute("aria-sort", sorted.step > 0 ? "ascending" : "descending");
      made.append(button);
      headings.append(made);
    });
    head.append(headings);
    if (data.totals) {
      const totals = line(data.totals, null, null);
      totals.className = "totals";
      head.append(totals);
    }
    const body = document.createElement("tbody");
    const order = data.rows.map((_, at) => at);
    if (sorted.column >= 0) {
      const key = (at) => data.rows[at].keys[sorted.column];
      order.sort((a, b) => {
        if (blank(key(a)) || blank(key(b))) return blank(key(a)) - blank(key(b));
        const less = typeof key(a) === "number" ? key(a) - key(b) : String(key(a)).localeCompare(String(key(b)));
        return less * sorted.step || a - b;
      });
    }
    for (const at of order) body.append(line(data.rows[at].texts, data.rows[at].tones, data.rows[at].link));
    table.replaceChildren(head, body);
    fade();
  };
  const fade = () =>
    frame.classList.toggle("more", frame.scrollWidth - frame.clientWidth - frame.scrollLeft > 2);
  frame.onscroll = fade;
  new ResizeObserver(fade).observe(frame);
  draw();
}
