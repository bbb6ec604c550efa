import type { ApiError, Proof } from './api';
import { asApiError, node } from './node.svelte';
import { approve, type ApprovedAct } from './passkey';

/** The sending of a form: whether it is under way, and why the node refused it. */
export class Sending {
  busy = $state(false);
  refused = $state.raw<ApiError | null>(null);

  /** Sends an act, with a fresh assertion of a passkey where the session needs one. Gives whether it was taken. */
  async act(act: ApprovedAct, send: (approval: Proof | null) => Promise<unknown>): Promise<boolean> {
    this.busy = true;
    this.refused = null;
    try {
      await send(node.session?.approves ? await approve(act) : null);
      return true;
    } catch (error) {
      this.refused = asApiError(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
