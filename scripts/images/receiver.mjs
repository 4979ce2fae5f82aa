// Runs in a container: takes what Alertmanager sends, as a webhook (port 8080) and as mail (port 2525), and writes each message to
// its output as a line of JSON.
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";

const write = (by, message) => console.log(JSON.stringify({ by, message }));

createHttpServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (data) => (body += data));
  request.on("end", () => {
    if (request.method === "POST") write("webhook", body);
    response.end();
  });
}).listen(8080);

// As much of SMTP (RFC 5321) as one message needs.
createTcpServer((socket) => {
  const answer = (line) => socket.write(`${line}\r\n`);
  let [text, mail] = ["", undefined];
  socket.setEncoding("utf8");
  socket.on("error", () => socket.destroy());
  socket.on("data", (data) => {
    text += data;
    for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      if (mail !== undefined && line !== ".") mail.push(line);
      else if (mail !== undefined) {
        write("mail", mail.join("\n"));
        mail = undefined;
        answer("250 taken");
      } else if (/^DATA$/iu.test(line)) {
        mail = [];
        answer("354 go on");
      } else if (/^QUIT$/iu.test(line)) {
        answer("221 bye");
        socket.end();
      } else answer("250 receiver");
    }
  });
  answer("220 receiver");
}).listen(2525);

process.on("SIGTERM", () => process.exit(0));
