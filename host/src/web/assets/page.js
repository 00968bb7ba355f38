// The keyboard: `/` goes to the search, `j` and `k` move in a list or a conversation, Enter opens, `?` tells of the keys.
"use strict";

(() => {
    // The entries of a conversation, or the rows of a list.
    const rows = () => {
        const entries = [...document.querySelectorAll("main [data-entry]")].filter((entry) => entry.checkVisibility());
        const lines = [...document.querySelectorAll("main tbody tr, main ol.hits > li")].filter((row) => row.querySelector("a"));
        return entries.length > 0 ? entries : lines;
    };

    const move = (step) => {
        const all = rows();
        if (all.length === 0) return;
        const marked = all.findIndex((row) => row.classList.contains("chosen"));
        const chosen = marked < 0 ? all.findIndex((row) => row.contains(document.activeElement)) : marked;
        const next = chosen < 0 ? 0 : Math.min(Math.max(chosen + step, 0), all.length - 1);
        all[chosen]?.classList.remove("chosen");
        all[next].classList.add("chosen");
        (all[next].matches("article") ? all[next] : all[next].querySelector("summary, a")).focus();
    };

    const keys = {
        "/": () => document.querySelector("[data-search]")?.focus(),
        "?": () => document.getElementById("keys")?.showModal(),
        j: () => move(1),
        k: () => move(-1),
    };

    document.addEventListener("keydown", (event) => {
        const writes = event.target.closest?.("input, textarea, select, [contenteditable]");
        if (writes || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
        event.preventDefault();
        keys[event.key]();
    });

    document.addEventListener("click", (event) => {
        if (event.target.closest?.("[data-keys]")) document.getElementById("keys")?.showModal();
    });
})();
