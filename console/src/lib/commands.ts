import type { Command } from './keys';

type Handler = (command: Command) => boolean;

// The page that is shown answers first; what it leaves, the frame around it answers.
const handlers: Handler[] = [];

/** Returns the way out, as an effect wants it. */
export function onCommand(handler: Handler): () => void {
  handlers.unshift(handler);
  return () => {
    const index = handlers.indexOf(handler);
    if (index >= 0) handlers.splice(index, 1);
  };
}

export function run(command: Command): boolean {
  return handlers.some((handler) => handler(command));
}
