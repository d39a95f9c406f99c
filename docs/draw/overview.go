package main

// overview shows what goes where: one program, whose manifest becomes a backend on AWS or
// on this machine.
func overview() *picture {
	p := newPicture("One Go program; its manifest becomes a backend on AWS, or on this machine", 1040, 400)

	p.rect("card", 20, 92, 236, 200, 10)
	p.text("head", 38, 120, "Your Go program")
	for i, part := range [][2]string{{"HTTP", "mux"}, {"WebSocket", "chat{}"}, {"Queues", "jobs, ledger"}, {"Schedules", "nightly"}, {"Warm", "db"}} {
		p.text("code", 38, 150+22*i, part[0])
		p.text("code", 126, 150+22*i, part[1])
	}
	p.text("code dim", 38, 274, "lambdaruntime.Start(&App{…})")
	p.arrow("M256 190h58")
	p.text("dim", 258, 180, "manifest")

	p.rect("card", 318, 104, 184, 176, 10)
	p.text("head", 336, 132, "hearth.NewBackend")
	p.lines("dim", 336, 160, 18, "creates exactly that,", "least privilege, alarms", "", "checks the concurrency", "budget at synth")
	p.text("dim", 336, 262, "the template is plain CDK")
	p.arrow("M502 150C545 130 545 116 576 116")
	p.text("code", 502, 104, "cdk deploy")
	p.arrow("M502 234C545 262 545 300 576 300")
	p.text("code", 500, 322, "hearth dev")

	p.rect("card", 580, 20, 440, 196, 10)
	p.text("head", 598, 48, "AWS")
	p.lines("dim", 598, 80, 28, "HTTP, REST, WebSocket APIs", "SQS, FIFO and standard", "EventBridge Scheduler")
	p.arrow("M772 76h38")
	p.arrow("M738 104C800 104 780 92 810 92")
	p.arrow("M734 132C800 132 784 104 810 104")
	p.text("dim", 816, 66, "alias live")
	for i := range 2 {
		p.rect("warm", 814+42*i, 76, 36, 28, 5)
		p.rect("cold", 904+42*i, 76, 36, 28, 5)
	}
	p.text("dim", 814, 122, "provisioned")
	p.text("dim", 904, 122, "on demand")
	p.path("limit", "M996 66v48")
	p.text("limitText", 956, 58, "reserved")
	p.arrow("M853 134v22")
	p.text("dim", 814, 178, "RDS Proxy → database")

	p.rect("card", 580, 234, 440, 146, 10)
	p.text("head", 598, 262, "This machine")
	p.lines("dim", 598, 290, 19,
		"the same template, the same concurrency model,",
		"real processes, no Docker, no AWS account",
		"queues, sockets and schedules, with a clock that tests move",
		"saved code serves the next request")
	return p
}
