// The keyboard: `/` goes to the search, `j` and `k` move in a list, Enter opens, `?` tells of the keys.
"use strict";

(() => {
    const rows = () => [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a"));

    const move = (step) => {
        const all = rows();
        if (all.length === 0) return;
        const chosen = all.findIndex((row) => row.classList.contains("chosen"));
        const next = chosen < 0 ? 0 : Math.min(Math.max(chosen + step, 0), all.length - 1);
        all[chosen]?.classList.remove("chosen");
        all[next].classList.add("chosen");
        all[next].querySelector("a").focus();
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
