/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
"use strict";
const root = document.documentElement, up = document.body.dataset.up;
const search = document.getElementById("search"), found = document.getElementById("found");

document.getElementById("scheme").onclick = () => {
  root.dataset.scheme = localStorage.scheme = root.dataset.scheme === "dark" ? "light" : "dark";
};

document.getElementById("menu").onclick = event => {
  const open = document.getElementById("pages").classList.toggle("open");
  event.currentTarget.setAttribute("aria-expanded", open);
};

/* A heading that has the word counts more than a text that has it, a whole word more than a part. */
function weight(word, [, title, heading, text]) {
  const whole = new RegExp("\\b" + word.replace(/[^\w]/g, "\\$&") + "\\b", "i"), has = s => s.toLowerCase().includes(word);
  if (!has(title + " " + heading + " " + text)) return 0;
  return (whole.test(heading) ? 60 : has(heading) ? 30 : 0) + (has(title) ? 10 : 0) + (whole.test(text) ? 5 : 1);
}

function look() {
  const words = search.value.toLowerCase().split(/\s+/).filter(word => word.length > 1);
  const rows = [];
  for (const page of words.length ? PAGES : []) {
    const weights = words.map(word => weight(word, page));
    if (weights.every(n => n)) rows.push([weights.reduce((a, b) => a + b), page]);
  }
  rows.sort((a, b) => b[0] - a[0]);
  found.replaceChildren(...rows.slice(0, 20).map(([, [url, title, heading, text]], i) => {
    const link = document.createElement("a"), name = document.createElement("b"), where = document.createElement("small");
    const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 40);
    link.href = up + url;
    link.className = i ? "" : "first";
    name.textContent = heading;
    where.textContent = title + " · " + (at ? "… " : "") + text.slice(at, at + 120);
    link.append(name, where);
    return link;
  }));
  if (words.length && !rows.length) found.textContent = "Nothing found.";
  found.hidden = !words.length;
}

search.oninput = look;
search.onkeydown = event => {
  if (event.key === "Enter" && found.querySelector("a")) location.href = found.querySelector("a").href;
  if (event.key === "Escape") { search.value = ""; look(); }
};
found.onclick = () => { found.hidden = true; };
document.onkeydown = event => {
  if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
};
