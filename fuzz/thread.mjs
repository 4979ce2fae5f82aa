import { register } from "tsx/esm/api";

// A thread does not inherit the loader that lets the main one read TypeScript.
register();
await import("./main.ts");
