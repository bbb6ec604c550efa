/** What a key press asks for; two-key ways ("g w") need the key before. */
export type Command = 'watch' | 'search' | 'sharing' | 'policy' | 'record' | 'report' | 'next' | 'previous' | 'play' | 'zoomIn' | 'zoomOut' | 'help';

export interface Press {
  key: string;
  /** Ctrl, Alt or Meta is down: the browser's own shortcut. */
  modified: boolean;
  /** Where the focus is. */
  target: 'page' | 'text' | 'control';
}

const GO: Record<string, Command> = { w: 'watch', f: 'search', s: 'sharing', p: 'policy', r: 'record' };
const SINGLE: Record<string, Command> = {
  j: 'next',
  k: 'previous',
  n: 'report',
  '?': 'help',
  '+': 'zoomIn',
  '=': 'zoomIn',
  '-': 'zoomOut',
};

export function command(press: Press, before: string | null): Command | null {
  if (press.modified || press.target === 'text') return null;
  if (before === 'g') return GO[press.key] ?? null;
  // Space presses a focused button or opens a focused list: only the bare page plays.
  if (press.key === ' ') return press.target === 'page' ? 'play' : null;
  return SINGLE[press.key] ?? null;
}

const TEXT_INPUTS = new Set(['text', 'search', 'number', 'url', 'email', 'password', 'date', 'datetime-local', 'time']);

export function targetOf(element: EventTarget | null): Press['target'] {
  if (!(element instanceof HTMLElement)) return 'page';
  if (element.isContentEditable || element instanceof HTMLTextAreaElement) return 'text';
  if (element instanceof HTMLInputElement) return TEXT_INPUTS.has(element.type) ? 'text' : 'control';
  if (element instanceof HTMLSelectElement) return 'text';
  return element.closest('button, a[href], summary, [role="tab"]') ? 'control' : 'page';
}
