// Geth as a beacon node uses it: the engine API under a token.
import { createHmac } from "node:crypto";
import { ssz } from "@lodestar/types";
import { bytes, hex } from "./chain.mjs";

const b64 = (x) => Buffer.from(x).toString("base64url");
const quantities = ["blockNumber", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas"];

export class Engine {
  constructor(url, secret) { Object.assign(this, { url, secret, id: 0 }); }

  async ask(method, ...params) {
    const said = b64('{"alg":"HS256","typ":"JWT"}') + "." + b64(JSON.stringify({ iat: Math.floor(Date.now() / 1000) }));
    const token = said + "." + createHmac("sha256", this.secret).update(said).digest("base64url");
    const r = await fetch(this.url, {
      method: "POST", headers: { "content-type": "application/json", authorization: "Bearer " + token },
      body: JSON.stringify({ jsonrpc: "2.0", id: ++this.id, method, params }),
    });
    const { result, error } = await r.json();
    if (error) throw new Error(`${method}: ${error.message} ${JSON.stringify(error.data ?? "")}`);
    return result;
  }

  async choose(head, final, attributes) {
    const state = { headBlockHash: hex(head), safeBlockHash: hex(final), finalizedBlockHash: hex(final) };
    const r = await this.ask("engine_forkchoiceUpdatedV3", state, attributes ?? null);
    if (r.payloadStatus.status !== "VALID") throw new Error("forkchoice: " + JSON.stringify(r));
    return r.payloadId;
  }

  async build(fork, parent, final, attributes) {
    const id = await this.choose(parent, final, attributes);
    const version = { deneb: 3, electra: 4, fulu: 5 }[fork];
    const r = await this.ask("engine_getPayloadV" + version, id), p = r.executionPayload;
    const raw = Object.fromEntries(Object.entries(p).map(([k, v]) => [k, typeof v === "string" && !quantities.includes(k) ? bytes(v) : v]));
    for (const q of quantities) raw[q] = ["baseFeePerGas", "blobGasUsed", "excessBlobGas"].includes(q) ? BigInt(p[q]) : Number(p[q]);
    const payload = {
      ...raw, transactions: p.transactions.map(bytes),
      withdrawals: p.withdrawals.map((w) => ({ index: Number(w.index), validatorIndex: Number(w.validatorIndex), address: bytes(w.address), amount: BigInt(w.amount) })),
    };
    return { payload, json: p, list: r.executionRequests, requests: r.executionRequests && requestsOf(r.executionRequests) };
  }

  // adopt hands a block over and makes it the head.
  async adopt(fork, built, parent, final) {
    const r = await this.ask("engine_newPayloadV" + (fork === "deneb" ? 3 : 4), built.json, [], hex(parent), ...(fork === "deneb" ? [] : [built.list]));
    if (r.status !== "VALID") throw new Error("newPayload: " + JSON.stringify(r));
    await this.choose(built.payload.blockHash, final);
  }
}

// requestsOf reads EIP-7685 requests: a byte of the type, then SSZ.
function requestsOf(list) {
  const out = ssz.electra.ExecutionRequests.defaultValue();
  const kinds = [["deposits", ssz.electra.DepositRequests], ["withdrawals", ssz.electra.WithdrawalRequests], ["consolidations", ssz.electra.ConsolidationRequests]];
  for (const item of list) {
    const b = bytes(item), [name, type] = kinds[b[0]];
    out[name] = type.deserialize(b.slice(1));
  }
  return out;
}
