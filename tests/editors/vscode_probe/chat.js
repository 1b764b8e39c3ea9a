// Asks the editor for Codriver's chat models, and one of them for an answer, as any extension may.
const vscode = require("vscode");

exports.activate = (context) => {
  const asked = async () => {
    const models = await vscode.lm.selectChatModels({ vendor: "codriver" });
    const auto = models.find((model) => model.id === "auto");
    const tokens = await auto.countTokens("twelve chars");
    const reply = await auto.sendRequest([vscode.LanguageModelChatMessage.User("Say hello.")], {}, new vscode.CancellationTokenSource().token);
    let text = "";
    for await (const part of reply.text) {
      text += part;
    }
    return `models: ${models.length}\ntokens: ${tokens}\nanswer: ${text}`;
  };
  context.subscriptions.push(
    vscode.commands.registerCommand("probe.chat", async () => {
      const content = await asked().catch((problem) => `failed: ${problem.stack ?? problem}`);
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content }));
    }),
  );
};
