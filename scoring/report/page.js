"use strict";
// Folded parts are printed too.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));

// The misses are data of the page; texts go in as text, never as markup.
(() => {
  const source = document.getElementById("data");
  if (!source) return;
  const { questions, misses, groups, words } = JSON.parse(source.textContent);
  const byId = (id) => document.getElementById(id);
  const form = byId("filters");
  const list = byId("list");
  const more = byId("more");
  const step = 20;
  let shown = step;

  const element = (name, className, ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const givenOf = (miss) => (miss.answer.length > 1 ? "several" : miss.answer || "none");

  for (const miss of misses) {
    const question = questions[miss.question];
    miss.text = [question.id, question.question, ...question.options, miss.reply].join("\n").toLowerCase();
  }

  const choices = (id, values) => values.forEach((value) => byId(id).append(new Option(value, value)));
  choices("gold", [...new Set(misses.map((miss) => questions[miss.question].gold))].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)));
  const found = new Set(misses.map(givenOf));
  choices("given", [...found].filter((value) => value.length === 1).sort());
  for (const name of ["several", "none"]) {
    if (found.has(name)) byId("given").append(new Option(form.dataset[name], name));
  }
  let part = null;
  groups.forEach(([by, value], place) => {
    if (!part || part.label !== by) {
      part = element("optgroup", "");
      part.label = by;
      byId("group").append(part);
    }
    part.append(new Option(`${by}: ${value}`, place));
  });

  const reply = (miss) => {
    const made = element("blockquote", "");
    made.tabIndex = 0;
    if (!miss.span) {
      made.append(miss.reply);
      return made;
    }
    // Places count characters as Python does, not UTF-16 units.
    const letters = [...miss.reply];
    const [start, end] = miss.span;
    made.append(letters.slice(0, start).join(""), element("mark", "", letters.slice(start, end).join("")), letters.slice(end).join(""));
    return made;
  };

  const answer = (miss) => {
    const made = element("div", "answer");
    const verdict = miss.answer ? filled(words.answers, miss) : miss.rule === "missing row" ? words.no_row : words.answers_nothing;
    const about = element("p", "", `${miss.system}: `, element("span", "wrong", verdict));
    if (miss.answer) about.append(element("small", "", `  ${words.rule}: ${miss.rule}`));
    made.append(about);
    if (miss.reply) made.append(reply(miss));
    return made;
  };

  const card = ([place, members]) => {
    const question = questions[place];
    const made = element("article", "miss", element("p", "soft", question.id));
    const stem = element("p", "question", question.question);
    stem.lang = "zh";
    made.append(stem);
    question.options.forEach((option, index) => {
      const letter = "ABCDEFGHIJ"[index];
      const right = question.gold.includes(letter);
      const line = element("p", right ? "right" : "", `${letter} ${option}${right ? ` ✓ ${words.right}` : ""}`);
      line.lang = "zh";
      made.append(line);
    });
    made.append(...members.map(answer));
    return made;
  };

  const show = () => {
    const wanted = Object.fromEntries(["text", "system", "group", "gold", "given"].map((id) => [id, byId(id).value]));
    const parts = wanted.text.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const matching = misses.filter((miss) => {
      const question = questions[miss.question];
      return (!wanted.system || miss.system === wanted.system)
        && (!wanted.group || question.groups.includes(Number(wanted.group)))
        && (!wanted.gold || question.gold === wanted.gold)
        && (!wanted.given || givenOf(miss) === wanted.given)
        && parts.every((one) => miss.text.includes(one));
    });
    const cards = new Map();
    for (const miss of matching) {
      if (!cards.has(miss.question)) cards.set(miss.question, []);
      cards.get(miss.question).push(miss);
    }
    const ordered = [...cards].sort((a, b) => a[0] - b[0]);
    list.replaceChildren(...ordered.slice(0, shown).map(card));
    byId("found").textContent = filled(words.found, { misses: matching.length, questions: cards.size, total: misses.length });
    more.hidden = cards.size <= shown;
  };

  const anew = () => { shown = step; show(); };
  form.addEventListener("input", anew);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(anew));
  more.addEventListener("click", () => { shown += step; show(); });
  document.querySelectorAll("button.cell").forEach((cell) => cell.addEventListener("click", () => {
    form.reset();
    byId("system").value = cell.dataset.system;
    byId("gold").value = cell.dataset.gold;
    byId("given").value = cell.dataset.given;
    anew();
    byId("missed").scrollIntoView();
  }));
  show();
})();
