import type { Language } from './translate';

// The node writes in English what it computes, and signs it so. These are its sentences; people's own words pass unchanged.
const COUNTED: readonly [english: RegExp, korean: string][] = [
  [/^(\d+) approach(?:es)?$/, '근접 통과 $1건'],
  [/^(\d+) proximit(?:y|ies)$/, '근접 체류 $1건'],
  [/^(\d+) findings?$/, '판단 $1건'],
];

const SENTENCES: readonly [english: RegExp, korean: string][] = [
  [/^(.+) passes (.+) at ([\d.]+) km$/, '$2 – $1 근접 통과, $3 km'],
  [/^(.+) stays near (.+), down to ([\d.]+) km$/, '$2 – $1 근접 체류, 최소 $3 km'],
  [/^it told of a finding that was recalled$/, '회수된 판단을 담고 있었음'],
  [/^(\d+) objects against (\d+) within ([\d.]+) km$/, '보호 대상 $1개와 전체 $2개, $3 km 이내'],
  [/^(\d+) approaches, (\d+) of them new$/, '근접 $1건, 그중 새로 $2건'],
  [/^(\d+) faults$/, '결함 $1건'],
  [/^(\d+) bytes of RFC 8785 JSON$/, 'RFC 8785 JSON $1바이트'],
  [/^SHA-256 is (\w+)$/, 'SHA-256 $1'],
  [/^Ed25519 by key (\w+)$/, 'Ed25519, 키 $1'],
  [/^entry (\d+) of (\d+)$/, '전체 $2 중 $1번'],
  [/^signed by (\S+)$/, '$1 서명'],
  [/^(\d+) of (\d+) entries are here and hold$/, '$2건 중 $1건이 여기 있고 온전함'],
  [/^(\d+) bytes have their hash$/, '원본 $1바이트의 해시가 일치'],
  [/^the raw bytes are not here$/, '원본 바이트가 여기에 없음'],
];

const INCIDENT = /^(.+?): (\d+ (?:approach|proximit|finding)[a-z]*(?:, \d+ (?:approach|proximit|finding)[a-z]*)*)(?:, closest ([\d.]+) km)?$/;

function replaced(text: string, rules: readonly [RegExp, string][]): string {
  const rule = rules.find(([english]) => english.test(text));
  return rule ? text.replace(rule[0], rule[1]) : text;
}

export function translateMade(language: Language, text: string): string {
  if (language === 'en') return text;
  const incident = INCIDENT.exec(text);
  if (!incident) return replaced(text, SENTENCES);
  const [, names = '', counts = '', closest] = incident;
  const who = names.replace(/ and (\d+) more$/, ' 외 $1');
  const what = counts.split(', ').map((part) => replaced(part, COUNTED)).join(', ');
  return `${who}: ${what}${closest === undefined ? '' : `, 최소 ${closest} km`}`;
}
