import { count } from '../format';
import { prefs } from '../prefs.svelte';
import { translateMade } from './made';
import { translate, translateCode, translateCount, type CountKey, type Key } from './translate';

/** The text in the chosen language; templates that call it follow a switch of language at once. */
export const t = (key: Key, values?: Record<string, string | number>): string => translate(prefs.language, key, values);

export const tCode = (prefix: string, code: string): string => translateCode(prefs.language, prefix, code);

/** For sentences that the node makes by itself: titles of computed findings and incidents, jobs, checks. */
export const tMade = (text: string): string => translateMade(prefs.language, text);

export const tCount = (key: CountKey, n: number): string => translateCount(prefs.language, key, n, count(n));
