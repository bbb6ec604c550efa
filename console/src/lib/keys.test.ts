import { describe, expect, it } from 'vitest';

import { command, type Press } from './keys';

const press = (key: string, target: Press['target'] = 'page', modified = false): Press => ({ key, target, modified });

describe('command', () => {
  it.each([
    ['w', 'g', 'watch'],
    ['s', 'g', 'sharing'],
    ['r', 'g', 'record'],
    ['x', 'g', null],
    ['w', null, null],
    ['j', null, 'next'],
    ['?', null, 'help'],
    [' ', null, 'play'],
  ] as const)('%s after %s is %s', (key, before, wanted) => expect(command(press(key), before)).toBe(wanted));

  it('leaves typing and the browser alone', () => {
    expect(command(press('j', 'text'), null)).toBeNull();
    expect(command(press('w', 'text'), 'g')).toBeNull();
    expect(command(press('r', 'page', true), 'g')).toBeNull();
  });

  it('lets space press a focused button', () => {
    expect(command(press(' ', 'control'), null)).toBeNull();
    expect(command(press('j', 'control'), null)).toBe('next');
  });
});
