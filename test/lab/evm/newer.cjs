// What libraries below Lodestar and viem take for granted and Debian's Node 18 does not have: loaded with --require.
Promise.withResolvers ??= function () {
  const out = {};
  out.promise = new this((resolve, reject) => Object.assign(out, { resolve, reject }));
  return out;
};
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, options) {
    super(type, options);
    this.detail = options?.detail ?? null;
  }
};
globalThis.crypto ??= require("node:crypto").webcrypto;
