// A round through the five tools, whichever client calls them, and what came of it as JSON.

export async function drive(driver) {
  const brought = {};
  for (const [name, url] of [["stdio", null], ["http", process.argv[2]]]) {
    await driver(url, async (tools, call) => {
      const functions = tools.map((tool) => [tool.name, { ...tool, parameters: tool.inputSchema }]);
      brought[name] = { functions: Object.fromEntries(functions), answers: await answers(call) };
    });
  }
  console.log(JSON.stringify(brought));
}

async function answers(call) {
  const ask = async (name, given) => (await call(name, given)).content[0].text;
  const asked = { role: "user", content: "Where is my parcel?" };
  const replied = { role: "assistant", content: "It is on its way." };
  const customer = { number: "+14155550188" };
  const body = { name: "A tour", customer, messages: [asked] };
  const create = await ask("create_session", { body });
  const { id } = JSON.parse(create);
  return {
    create,
    get: await ask("get_session", { id, messages: { last: 5 } }),
    list: await ask("list_sessions", { number: customer.number, limit: 5 }),
    append: await ask("update_session", { id, appendMessages: [replied] }),
    refused: await ask("get_session", { id, messages: { first: 1, last: 1 } }),
    delete: await ask("delete_session", { id }),
    gone: await ask("get_session", { id }),
  };
}
