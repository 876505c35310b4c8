// The light-client part of the beacon API, as SSZ or JSON by what is asked for. /at/SLOT answers as if SLOT were the last;
// /at/SLOT/lie/NAME lies on top: domain (signed for the other side of the fork), branch (a node short), body (the
// container of the other fork).
import { createServer } from "node:http";
import { ssz } from "@lodestar/types";
import { hex, PER_PERIOD } from "./chain.mjs";

const names = { bootstrap: "LightClientBootstrap", update: "LightClientUpdate", finality: "LightClientFinalityUpdate", optimistic: "LightClientOptimisticUpdate" };
const other = { deneb: "electra", electra: "deneb", fulu: "deneb" };

class View {
  constructor(chain, last, lie) { Object.assign(this, { chain, lie, last: Math.min(last, chain.state.slot) }); }

  signed() { return [...this.chain.updates].filter(([slot]) => slot <= this.last).map(([, u]) => u); }

  bend(u, data) {
    if (this.lie === "domain" && u.twin) return { ...data, syncAggregate: u.twin };
    return data;
  }

  // best is the update of a period: the last that finalizes within it, or else the last.
  best(period) {
    const all = this.signed().filter((u) => u.data && u.data.signatureSlot / PER_PERIOD >> 0 === period && u.slot / PER_PERIOD >> 0 === period);
    return all.findLast((u) => u.finalizedSlot / PER_PERIOD >> 0 === period) ?? all.at(-1);
  }

  pack(kind, fork, data) {
    const shape = this.lie === "body" ? other[fork] : fork;
    const same = { ...data }; // branches of another length in the other fork's container
    if (this.lie === "body") for (const k of Object.keys(same)) if (/Branch$/.test(k)) same[k] = fit(same[k], shape, k);
    return { version: shape, type: ssz[shape][names[kind]], data: same };
  }

  find(path) {
    const { chain } = this;
    let m;
    if ((m = /^\/eth\/v1\/beacon\/light_client\/bootstrap\/(0x[0-9a-f]{64})$/.exec(path))) {
      const at = chain.blocks.get(m[1]);
      return at && this.pack("bootstrap", chain.config.getForkName(at.block.slot), chain.bootstrap(at));
    }
    if (path.endsWith("/light_client/optimistic_update")) {
      const u = this.signed().at(-1);
      return u && this.pack("optimistic", u.fork, this.bend(u, u.optimistic));
    }
    if (path.endsWith("/light_client/finality_update")) {
      const u = this.signed().at(-1);
      if (!u?.data) return undefined;
      const { nextSyncCommittee, nextSyncCommitteeBranch, ...rest } = u.data;
      return this.pack("finality", u.fork, this.bend(u, rest));
    }
    return undefined;
  }

  updates(query) {
    const start = Number(query.get("start_period")), count = Math.min(Number(query.get("count")), 128), out = [];
    for (let p = start; p < start + count; p++) {
      const u = this.best(p);
      if (!u) break;
      out.push(this.pack("update", u.fork, this.bend(u, u.data)));
    }
    return out;
  }

  block(id) {
    const { chain } = this;
    const root = id === "finalized" ? hex(chain.bySlot.get(this.last).state.finalizedCheckpoint.root) : id;
    return id === "head" ? chain.bySlot.get(this.last) : chain.blocks.get(root) ?? chain.bySlot.get(Number(id));
  }
}

function fit(branch, fork, name) {
  const want = { finalityBranch: [6, 7], nextSyncCommitteeBranch: [5, 6], currentSyncCommitteeBranch: [5, 6] }[name]?.[fork === "deneb" ? 0 : 1] ?? branch.length;
  return branch.length > want ? branch.slice(0, want) : [...branch, ...Array(want - branch.length).fill(new Uint8Array(32))];
}

// shorter takes a node from every branch.
const shorter = (x) => JSON.parse(JSON.stringify(x), (key, v) => (key.endsWith("_branch") ? v.slice(1) : v));

export function serve(chain, port) {
  const server = createServer((req, res) => {
    const url = new URL(req.url, "http://lab"), m = /^\/at\/([0-9]+)(?:\/lie\/([a-z]+))?(\/.*)$/.exec(url.pathname);
    const view = new View(chain, m ? Number(m[1]) : Infinity, m?.[2]), path = m ? m[3] : url.pathname;
    const binary = (req.headers.accept ?? "").includes("octet-stream") && view.lie !== "branch"; // a short branch has no SSZ
    const json = (v) => res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(v));
    const one = (x) => ({ version: x.version, data: view.lie === "branch" ? shorter(x.type.toJson(x.data)) : x.type.toJson(x.data) });
    try {
      let b;
      if (path.endsWith("/light_client/updates")) {
        const list = view.updates(url.searchParams);
        if (!binary) return json(list.map(one));
        const chunks = list.flatMap((x) => {
          const body = x.type.serialize(x.data), head = Buffer.alloc(12); // the digest is not looked at by anyone who goes by slots
          head.writeBigUInt64LE(BigInt(body.length + 4));
          return [head, body];
        });
        return res.writeHead(200, { "content-type": "application/octet-stream" }).end(Buffer.concat(chunks));
      }
      if ((b = /^\/eth\/v1\/beacon\/(?:headers|blocks)\/(\w+)(\/root)?$/.exec(path))) {
        const at = view.block(b[1]);
        if (at) return json({ data: { root: hex(at.root), slot: String(at.block.slot) } });
      }
      const found = view.find(path);
      if (!found) return res.writeHead(404).end('{"code":404}');
      if (!binary) return json(one(found));
      return res.writeHead(200, { "content-type": "application/octet-stream", "eth-consensus-version": found.version }).end(found.type.serialize(found.data));
    } catch (err) {
      console.error(path, err);
      return res.writeHead(500).end();
    }
  });
  return new Promise((done) => server.listen(port, "127.0.0.1", () => done(server)));
}
