// Tabs by the arrow keys: https://www.w3.org/WAI/ARIA/apg/patterns/tabs/

// `choose` gets the tab that is chosen; it marks it.
export function arrowKeys(list, choose) {
  list.addEventListener("keydown", (event) => {
    const tabs = [...list.children].filter((tab) => !tab.hidden);
    const rtl = getComputedStyle(list).direction === "rtl";
    const place = tabs.indexOf(document.activeElement);
    const next = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[event.key];
    const found = next ? tabs.at((place + next) % tabs.length) : { Home: tabs[0], End: tabs.at(-1) }[event.key];
    if (!found || place < 0) return;
    event.preventDefault();
    choose(found);
  });
}

export function mark(list, chosen) {
  for (const tab of list.children) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
  }
}
