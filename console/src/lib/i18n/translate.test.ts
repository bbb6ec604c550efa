import { describe, expect, it } from 'vitest';

import { en } from './en';
import { ko } from './ko';
import { translate, translateCode, translateCount } from './translate';

const places = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

describe('the dictionaries', () => {
  it('have the same keys', () => {
    expect(Object.keys(ko).sort()).toEqual(Object.keys(en).sort());
  });

  it('have no empty value and no stray space', () => {
    for (const dictionary of [en, ko]) {
      for (const [key, text] of Object.entries(dictionary)) {
        expect(text.trim(), key).toBe(text);
        expect(text, key).not.toBe('');
      }
    }
  });

  it('fill the same places', () => {
    for (const key of Object.keys(en) as (keyof typeof en)[]) expect(places(ko[key]), key).toEqual(places(en[key]));
  });

  it('are written in their own language', () => {
    const hangul = /[가-힣]/;
    const alike = new Set(['nav.language', 'nav.language.label']);
    for (const [key, text] of Object.entries(en)) if (!alike.has(key)) expect(text, key).not.toMatch(hangul);
    const codes = new Set(['nav.language', 'marking.rel', 'evidence.hash', 'rule.caveat.noforn']);
    for (const [key, text] of Object.entries(ko)) if (!codes.has(key)) expect(text, key).toMatch(hangul);
  });

  it('count in pairs', () => {
    const keys = new Set(Object.keys(en));
    for (const key of keys) if (key.endsWith('.one')) expect(keys.has(key.replace(/one$/, 'other')), key).toBe(true);
  });
});

describe('the sources', () => {
  const sources = Object.entries(
    import.meta.glob(['../../**/*.svelte', '../../**/*.ts', '!../../**/*.test.ts', '!./en.ts', '!./ko.ts'], {
      query: '?raw',
      import: 'default',
      eager: true,
    }),
  )
    .map(([, text]) => String(text))
    .join('\n');
  /** Keys whose end comes from the node or from a list: t(`severity.${level}`), tCode('kind', kind). */
  const built = /`([a-z]+(?:\.[a-z]+)*)\.\$\{|tCode\('([a-z.]+)'/g;
  const stems = new Set([...sources.matchAll(built)].map((m) => m[1] ?? m[2] ?? ''));

  it('use every key', () => {
    const unused = Object.keys(en).filter((key) => {
      const stem = key.replace(/\.(one|other)$/, '');
      return !sources.includes(`'${key}'`) && !sources.includes(`'${stem}'`) && ![...stems].some((s) => key.startsWith(`${s}.`));
    });
    expect(unused).toEqual([]);
  });
});

describe('translate', () => {
  it('fills places and leaves unknown ones alone', () => {
    expect(translate('en', 'watch.latency', { duration: '84 ms' })).toBe('visible 84 ms after commit');
    expect(translate('ko', 'watch.latency', { duration: '84 ms' })).toBe('확정 후 84 ms 만에 표시');
    expect(translate('en', 'watch.latency')).toBe('visible {duration} after commit');
  });

  it('gives a code itself when the dictionary has no word for it', () => {
    expect(translateCode('en', 'rule', 'rel.not_listed')).toBe('ally is not on the release list');
    expect(translateCode('ko', 'kind', 'lure.mail')).toBe('lure.mail');
  });

  it('tells one from many', () => {
    expect(translateCount('en', 'list.count', 1, '1')).toBe('1 item');
    expect(translateCount('en', 'list.count', 0, '0')).toBe('0 items');
    expect(translateCount('ko', 'list.count', 1, '1')).toBe('1건');
  });
});
