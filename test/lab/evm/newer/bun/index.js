// Lodestar asks for this under Bun alone; npm has no such package.
export {};
