package hearth

import "math"

// databaseField returns the prop with the database.
func (p *DatabaseProxyProps) databaseField() string {
	if p.Instance != nil {
		return "Instance"
	}
	return "Cluster"
}

// engineFamily returns the family of the database's engine, such as "POSTGRESQL". It is
// unset for an imported database without its engine, and for none. Each call takes two
// requests to the CDK.
func (p *DatabaseProxyProps) engineFamily() text {
	engine := func() *string { return nil }
	family := text{}
	if p.Cluster != nil {
		if e := p.Cluster.Engine(); e != nil {
			engine, family.set = e.EngineFamily, true
		}
	} else if p.Instance != nil {
		if e := p.Instance.Engine(); e != nil {
			engine, family.set = e.EngineFamily, true
		}
	}
	if name := engine(); name != nil {
		family.value, family.known = *name, true
	}
	return family
}

// check checks the props; family is that of engineFamily.
func (p *DatabaseProxyProps) check(r *rules, family text) {
	p.checkTarget(r, family, "a proxy has one database")
	checkSelection(r, p.VpcSubnets)
	if p.Vpc == nil {
		r.breaks("Vpc", "must be set, got none; pass the VPC of the database")
	} else {
		checkZones(r, p.Vpc, p.VpcSubnets)
	}
	if p.Cluster != nil || p.Instance != nil {
		secrets := 0
		if p.Secrets != nil {
			secrets = len(*p.Secrets)
		}
		switch {
		case secrets == 0:
			r.breaks("Secrets", "must have at least 1 secret, got none, and %s tells none; pass the secret of User", p.databaseField())
		case secrets > 1 && p.User == nil:
			r.breaks("User", "must be set with more than 1 of Secrets, got none for %d; name the one that programs log in as", secrets)
		}
	}
	noneNil(r, "Secrets", elementsOf(p.Secrets))
	checkGroups(r, p.SecurityGroups)
	p.checkLogin(r)
	if isTrue(p.ReadOnly) && p.Instance != nil {
		r.breaks("ReadOnly", "must be unset with Instance, which has no readers behind one endpoint; remove it, or use an Aurora cluster")
	}
	r.within("BorrowTimeout", secondsOf(p.BorrowTimeout), 0, maxBorrowSecs, "seconds", "0 waits without end")
	r.within("IdleClientTimeout", secondsOf(p.IdleClientTimeout), minIdleClientSecs, maxIdleClientSecs, "seconds", "leave it unset for 30 minutes")
	checkMaxConnections(r, p.MaxConnections)
	r.within("MaxConnectionsPercent", numberOf(p.MaxConnectionsPercent), minConnectionPercent, maxConnectionPercent, "percent", "lower it to leave connections to others")
	if most := p.percent(); most.known {
		r.within("MaxIdleConnectionsPercent", numberOf(p.MaxIdleConnectionsPercent), 0, most.value, "percent", "it is a part of MaxConnectionsPercent")
	}
}

// percent returns the share of the database's connections that the proxy may open.
func (p *DatabaseProxyProps) percent() number {
	return numberOf(p.MaxConnectionsPercent).or(maxConnectionPercent)
}

// The rules that a [DirectDatabase] shares.

func checkMaxConnections(r *rules, most *float64) {
	r.within("MaxConnections", numberOf(most), 1, math.Inf(1), "connections", "see max_connections of the database")
}

// checkTarget checks the database itself.
func (p *DatabaseProxyProps) checkTarget(r *rules, family text, because string) {
	switch {
	case p.Cluster != nil && p.Instance != nil:
		r.breaks("Cluster", "must be unset with Instance, as %s; remove one of them", because)
	case p.Cluster == nil && p.Instance == nil:
		r.breaks("Cluster", "must be set unless Instance is, got none; pass the database")
	case !family.set:
		r.breaks(p.databaseField(), "must have its engine, got none; import it with Engine, Port and SecurityGroups")
	case family.value != familyPostgres && family.value != familyMySQL:
		r.breaks(p.databaseField(), "must be PostgreSQL or MySQL, got the engine family %q; use another database", family.value)
	}
}

// checkLogin checks the database's name and the user of programs.
func (p *DatabaseProxyProps) checkLogin(r *rules) {
	database, user := textOf(p.Database), textOf(p.User)
	if (p.Cluster != nil || p.Instance != nil) && !database.set {
		r.breaks("Database", "must be set when %s was created without a database name, got none; name the database to open", p.databaseField())
	}
	if database.known && database.value == "" {
		r.breaks("Database", "must not be empty; name the database to open")
	}
	if user.known && user.value == "" {
		r.breaks("User", "must not be empty; name the database user")
	}
	if user.known && user.value == "*" {
		r.breaks("User", "must be one database user, got %q; a program logs in as one", user.value)
	}
}
