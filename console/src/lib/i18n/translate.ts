import { en, type Key } from './en';
import { ko } from './ko';

export const DICTIONARIES = { en, ko } as const;
export type Language = keyof typeof DICTIONARIES;
export type { Key };

/** Keys that come in `.one` and `.other`. */
export type CountKey = { [K in Key]: K extends `${infer Stem}.one` ? Stem : never }[Key];

type Values = Record<string, string | number>;

export function translate(language: Language, key: Key, values: Values = {}): string {
  return DICTIONARIES[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** For words that come from the node (kinds, rules, checks): the dictionary's word when it has one, else the code itself. */
export function translateCode(language: Language, prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return key in en ? DICTIONARIES[language][key as Key] : code;
}

export function translateCount(language: Language, key: CountKey, n: number, shown: string): string {
  return translate(language, `${key}.${n === 1 ? 'one' : 'other'}` as Key, { n: shown });
}
