"use strict";
// The misses stand in the page as data; texts go in as text, never as markup.
(() => {
  const misses = JSON.parse(document.getElementById("misses").textContent);
  const list = document.getElementById("miss-list");
  const search = document.getElementById("search");
  const count = document.getElementById("miss-count");
  const more = document.getElementById("more");
  const step = 20;
  let shown = step;

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.textContent = text;
    return made;
  };

  const card = (miss) => {
    const made = element("article", "miss", "");
    made.append(element("p", "soft", `${miss.id} · ${miss.system}`), element("p", "", miss.question));
    miss.options.forEach((option, place) => {
      const letter = "ABCDEFGH"[place];
      const right = miss.gold.includes(letter);
      const chosen = miss.answer.includes(letter);
      const mark = right && chosen ? " ✓ right, chosen" : right ? " ✓ right" : chosen ? " ✗ chosen" : "";
      made.append(element("p", right ? "right" : chosen ? "chosen" : "", `${letter} ${option}${mark}`));
    });
    made.append(element("p", "soft", miss.answer ? `read by ${miss.rule}` : "no answer was read"));
    if (miss.reply) made.append(element("p", "soft", miss.reply));
    return made;
  };

  const show = () => {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const found = misses.filter((miss) => words.every((word) => miss.text.includes(word)));
    list.replaceChildren(...found.slice(0, shown).map(card));
    count.textContent = `${found.length} of ${misses.length}`;
    more.hidden = found.length <= shown;
  };

  for (const miss of misses) {
    miss.text = [miss.id, miss.system, miss.question, ...miss.options, miss.gold, miss.answer, miss.reply]
      .join("\n").toLowerCase();
  }
  search.addEventListener("input", () => { shown = step; show(); });
  more.addEventListener("click", () => { shown += step; show(); });
  show();
})();
