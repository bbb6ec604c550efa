// j and k move the focus through whichever list has it, or through the first list of the page.

const EVENT = 'listmove';

export function moveInList(delta: 1 | -1): void {
  const list =
    document.activeElement?.closest('[data-list]') ?? document.querySelector('main [data-list]');
  list?.dispatchEvent(new CustomEvent(EVENT, { detail: delta }));
}

/** Makes an element such a list; `move` gets +1 or -1. */
export function listmove(element: HTMLElement, move: (delta: number) => void): { destroy: () => void } {
  const listener = (event: Event): void => move((event as CustomEvent<number>).detail);
  element.dataset['list'] = '';
  element.addEventListener(EVENT, listener);
  return { destroy: () => element.removeEventListener(EVENT, listener) };
}

/** For a list whose rows (`[data-row]`) are all in the document. */
export function rows(element: HTMLElement): { destroy: () => void } {
  return listmove(element, (delta) => {
    const all = [...element.querySelectorAll<HTMLElement>('[data-row]')];
    const index = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, index + delta))];
    next?.querySelector<HTMLElement>('a[href], button:not(:disabled)')?.focus();
  });
}
