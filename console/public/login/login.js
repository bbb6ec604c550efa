// The page to log in: it is served to whoever asks, so it stands alone and shares no file with the console.
// @ts-check

const TEXT = {
  en: {
    title: 'Log in',
    at: (/** @type {string} */ node) => `Log in at ${node}`,
    passkey: 'Log in with a passkey',
    oidc: (/** @type {string} */ name) => `Log in with ${name}`,
    elsewhere: 'Passkeys of this node work under its own name only:',
    none: 'This node has no administrator yet. Open the one-time link that it printed when it started.',
    old: 'This browser is too old for passkeys. Use a newer one.',
    refused: 'That did not let you in. Try again, or ask an administrator of this node.',
    cancelled: 'No passkey was given.',
    many: 'Too many tries. Wait a minute.',
    offline: 'The node does not answer.',
    language: '한국어',
  },
  ko: {
    title: '로그인',
    at: (/** @type {string} */ node) => `${node} 로그인`,
    passkey: '패스키로 로그인',
    oidc: (/** @type {string} */ name) => `${name}(으)로 로그인`,
    elsewhere: '이 노드의 패스키는 노드의 이름으로 접속할 때만 쓸 수 있습니다:',
    none: '이 노드에는 아직 관리자가 없습니다. 노드가 시작할 때 출력한 일회용 링크를 여십시오.',
    old: '이 브라우저는 패스키를 지원하지 않습니다. 더 새로운 브라우저를 쓰십시오.',
    refused: '로그인하지 못했습니다. 다시 시도하거나 이 노드의 관리자에게 문의하십시오.',
    cancelled: '패스키가 제시되지 않았습니다.',
    many: '시도가 너무 많습니다. 1분 뒤에 다시 하십시오.',
    offline: '노드가 응답하지 않습니다.',
    language: 'English',
  },
};

/** @returns {'en' | 'ko'} */
function chosen() {
  try {
    const stored = localStorage.getItem('bongsu.language');
    if (stored === 'en' || stored === 'ko') return stored;
  } catch {
    // A browser that refuses storage has its own language.
  }
  return navigator.language.toLowerCase().startsWith('ko') ? 'ko' : 'en';
}

let language = chosen();
/** @type {{title: string, passkey: boolean, oidc: string | null, origin: string, awaits_administrator: boolean} | null} */
let ways = null;
/** @type {'' | 'refused' | 'cancelled' | 'many' | 'offline' | 'old'} */
let said = location.hash === '#refused' ? 'refused' : '';

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} path @param {unknown} body */
const post = (path, body) =>
  fetch(path, { method: 'POST', headers: { 'X-Bongsu': '1', 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

function show() {
  const text = TEXT[language];
  document.documentElement.lang = language;
  document.title = `${text.title} — Bongsu`;
  part('language').textContent = text.language;
  part('language').lang = language === 'en' ? 'ko' : 'en';
  part('said').textContent = said === '' ? '' : text[said];
  part('node').textContent = ways ? text.at(ways.title) : '';
  const box = part('ways');
  box.replaceChildren();
  if (!ways) return;
  if (ways.awaits_administrator) box.append(paragraph(text.none));
  if (ways.passkey && location.origin !== ways.origin) {
    const link = document.createElement('a');
    link.href = link.textContent = `${ways.origin}/login`;
    const words = paragraph(`${text.elsewhere} `);
    words.append(link);
    box.append(words);
  } else if (ways.passkey) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text.passkey;
    button.addEventListener('click', () => void byPasskey(button));
    box.append(button);
  }
  if (ways.oidc !== null) {
    const link = document.createElement('a');
    link.className = 'button';
    link.href = '/login/oidc';
    link.textContent = text.oidc(ways.oidc);
    box.append(link);
  }
}

/** @param {string} text */
function paragraph(text) {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}

/** @param {typeof said} what */
function say(what) {
  said = what;
  show();
}

/** @param {HTMLButtonElement} button */
async function byPasskey(button) {
  if (!('parseRequestOptionsFromJSON' in (window.PublicKeyCredential ?? {}))) return say('old');
  button.disabled = true;
  try {
    const begun = await post('/login/passkey/start', {});
    if (begun.status === 429) return say('many');
    if (!begun.ok) return say('refused');
    const { ceremony, options } = await begun.json();
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
    let credential;
    try {
      credential = await navigator.credentials.get({ publicKey });
    } catch {
      return say('cancelled');
    }
    if (!credential) return say('cancelled');
    const answer = await post('/login/passkey/finish', { ceremony, credential });
    if (answer.ok) location.replace('/');
    else say(answer.status === 429 ? 'many' : 'refused');
  } catch {
    say('offline');
  } finally {
    button.disabled = false;
  }
}

part('language').addEventListener('click', () => {
  language = language === 'en' ? 'ko' : 'en';
  try {
    localStorage.setItem('bongsu.language', language);
  } catch {
    // Kept for this page only.
  }
  show();
});

try {
  const answer = await fetch('/login/ways');
  ways = await answer.json();
} catch {
  said = 'offline';
}
show();
