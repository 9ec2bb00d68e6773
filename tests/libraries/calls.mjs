// Steps that the tests of clients/javascript run: node calls.mjs NAME JSON. Prints lines of JSON.
import { ApiError, Client, Live } from "../../clients/javascript/nexcorp.js";

// Newer versions of Node warn of it on stderr.
const { setTimeout: start } = globalThis;
globalThis.setTimeout = (run, ms, ...more) => {
  if (ms < 0) throw new Error(`${ms} ms`);
  return start(run, ms, ...more);
};

const say = (value) => console.log(JSON.stringify(value));
const [name, given] = process.argv.slice(2);
const options = JSON.parse(given);

async function fails(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { status, code, errors, requestId, closeCode } = error;
    return { status, code, errors: Object.keys(errors), requestId, closeCode };
  }
  throw new Error("it did not fail");
}

async function take(live, room, last, shown) {
  for await (const frame of live) {
    if (frame.event === "lost") throw new Error("lost");
    if (frame.room === room) shown.push(frame.seq);
    if (frame.room === room && frame.seq === last) return;
  }
}

const steps = {
  async cut({ url, token, room, total, batch }) {
    const client = new Client(url, { token }), shown = [];
    const live = await client.live([room], { batch });
    say("ready");
    await take(live, room, total / 2, shown);
    await live.close();
    const places = live.places;
    say(places[room].seq);
    const again = await client.live([], { places, batch });
    await take(again, room, total, shown);
    await again.close();
    say(shown);
  },

  async session({ url, email, password }) {
    const kept = [];
    const client = new Client(url, { onRefresh: (token) => kept.push(token) });
    say(await fails(() => client.signIn(email, "not this one")));
    await client.signIn(email, password, "a test");
    client.token = "no.good.token";
    // Requests at the same time share one refresh of the token.
    await Promise.all([1, 2, 3].map(() => client.get("/auth/me")));
    say([kept.length, (await client.get("/auth/me")).email]);
    for (const number of [1, 2, 3, 4, 5]) await client.post("/posts", { body: `Number ${number}.` });
    const bodies = [];
    for await (const post of client.list("/posts", { limit: 2, author: undefined })) bodies.push(post.body);
    say(bodies.slice(0, 5));
    say(await fails(() => client.post("/posts", { body: "" })));
    const later = new Client(url, { refreshToken: kept.at(-1) });
    const live = await later.live();
    say(await fails(() => live.join("post:01890a5d-ac96-774b-bcce-b302099a8057")));
    say(await fails(() => live.say("no-such-command")));
    say(Object.keys(await live.say("ping")));
    const other = await later.live();
    await other.close();
    // Frames that came before the close are still given; then the loop ends.
    for await (const _ of other);
    say((await fails(() => other.say("ping"))).code);
    await later.signOut();
    say(await fails(async () => {
      for await (const _ of live);
    }));
    say(await fails(() => later.get("/auth/me")));
    for (const token of ["no.good.token", "nxk_no_good_key"]) {
      say(await fails(() => new Client(url, { token }).live()));
    }
  },

  async closed() {
    // Every pause is as long as it can be: close() comes in the second one.
    Math.random = () => 1;
    const live = new Live(new Client("http://127.0.0.1:1", { token: "t", tries: 1 }), [], {});
    const opened = fails(() => live.open());
    await new Promise((done) => setTimeout(done, 700));
    await live.close();
    say((await opened).code);
    await new Promise((done) => setTimeout(done, 200));
    say(process.getActiveResourcesInfo().includes("Timeout"));
  },

  async unkeyed({ url }) {
    say(await fails(() => new Client(url).signIn("ada@example.com", "secret")));
    const client = new Client(url, { token: "t" });
    for (const path of ["/webhooks", "/webhooks/1/secret"]) say(await fails(() => client.post(path, {})));
  },
  async retries({ url }) {
    const client = new Client(url, { token: "t" });
    say(await client.post("/posts", { body: "Once." }));
    say(await fails(() => client.get("/posts")));
    say(await fails(() => client.get("/posts")));
  },
};

await steps[name](options);
