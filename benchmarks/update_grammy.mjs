// grammY with session() in memory, on canned answers; the protocol is that of update_bots.py.
import { Bot, session } from "grammy";
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";

const [answer, sample] = process.argv.slice(2);
const me = {
  id: 42, is_bot: true, first_name: "Booking", username: "booking_bot", can_join_groups: true,
  can_read_all_group_messages: false, supports_inline_queries: false,
};
const canned = async () => new Response(answer, { headers: { "content-type": "application/json" } });
const bot = new Bot("42:bench", { botInfo: me, client: { fetch: canned } });
bot.use(session({ initial: () => ({ step: "choosing_time", count: 0 }) }));
bot.on("message:text", async (context) => {
  context.session.count += 1;
  await context.reply("When would you like to come?");
});

let number = 0;
const template = JSON.parse(sample);
function* updates(count) {
  for (let i = 0; i < count; i += 1) {
    const chat = (i % 1000) + 1;
    template.update_id = number += 1;
    template.message.message_id = number;
    template.message.chat.id = chat;
    template.message.from.id = chat;
    yield JSON.stringify(template);
  }
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [count, chats] = line.split(" ").map(Number);
  const texts = [...updates(count)].values();
  const took = [];
  const quantile = (share) =>
    took.sort((a, b) => a - b)[Math.min(took.length - 1, Math.floor(took.length * share))] / 1e3;
  const before = process.cpuUsage();
  const begun = performance.now();
  await Promise.all(Array.from({ length: chats }, async () => {
    for (const text of texts) {
      const start = performance.now();
      await bot.handleUpdate(JSON.parse(text));
      took.push(performance.now() - start);
    }
  }));
  const used = process.cpuUsage(before);
  console.log(JSON.stringify([
    (performance.now() - begun) / 1e3, (used.user + used.system) / 1e6,
    quantile(0.5), quantile(0.99),
  ]));
}
