// Passkeys in the browser (W3C Web Authentication, level 3): the node makes the options, the authenticator answers.

import { api, ApiError, type Card, type Ceremony, type Proof } from './api';

/** An act that the node asks to be approved, as POST /api/approvals takes it. */
export type ApprovedAct =
  | { act: 'recall'; entry: string; reason: string }
  | { act: 'introduce'; card: Card; clearance: string }
  | { act: 'answer_request'; request: string; granted: boolean; hours: number }
  | { act: 'sign_policy'; proposal: string; sha256: string };

function supported(): void {
  if (!('parseCreationOptionsFromJSON' in (window.PublicKeyCredential ?? {}))) {
    throw new ApiError(0, 'console::no_passkeys', 'this browser is too old for passkeys, or the page is not secure');
  }
}

function answered(ceremony: Ceremony, credential: Credential | null): Proof {
  if (!credential) throw new ApiError(0, 'console::no_passkey', 'no passkey was given');
  return { ceremony: ceremony.ceremony, credential };
}

/** Registers a passkey for the own account. */
export async function register(title: string): Promise<void> {
  supported();
  const begun = await api.startPasskey(title);
  const options = begun.options.publicKey as PublicKeyCredentialCreationOptionsJSON;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  await api.finishPasskey(answered(begun, await navigator.credentials.create({ publicKey })));
}

/** A fresh assertion that approves exactly this act. */
export async function approve(act: ApprovedAct): Promise<Proof> {
  supported();
  const begun = await api.startApproval(act);
  const options = begun.options.publicKey as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return answered(begun, await navigator.credentials.get({ publicKey }));
}
