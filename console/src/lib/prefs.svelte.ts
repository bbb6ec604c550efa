import type { Language } from './i18n/translate';

export type Theme = 'dark' | 'light';

// Preferences stay in this browser. A browser that refuses storage forgets them on reload, and nothing else breaks.
function read(name: string): string | null {
  try {
    return localStorage.getItem(`bongsu.${name}`);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`bongsu.${name}`, value);
  } catch {
    // See above: kept for this page only.
  }
}

class Prefs {
  language = $state<Language>('en');
  theme = $state<Theme>('dark');
  shortcuts = $state(true);
  /** Follows the system's setting; there is no switch for it. */
  reducedMotion = $state(false);

  constructor() {
    const language = read('language') ?? (navigator.language.toLowerCase().startsWith('ko') ? 'ko' : 'en');
    this.language = language === 'ko' ? 'ko' : 'en';

    const light = matchMedia('(prefers-color-scheme: light)');
    const stored = read('theme');
    this.theme = stored === 'dark' || stored === 'light' ? stored : light.matches ? 'light' : 'dark';
    light.addEventListener('change', () => {
      if (read('theme') === null) this.theme = light.matches ? 'light' : 'dark';
    });

    const still = matchMedia('(prefers-reduced-motion: reduce)');
    this.reducedMotion = still.matches;
    still.addEventListener('change', () => (this.reducedMotion = still.matches));

    this.shortcuts = read('shortcuts') !== 'off';
  }

  setLanguage(language: Language): void {
    this.language = language;
    write('language', language);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    write('theme', theme);
  }

  setShortcuts(on: boolean): void {
    this.shortcuts = on;
    write('shortcuts', on ? 'on' : 'off');
  }
}

export const prefs = new Prefs();
