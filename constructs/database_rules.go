package hearth

import "math"

// databaseValues are [DatabaseProxyProps] as plain values for the rules.
type databaseValues struct {
	cluster, instance, vpc bool
	// engine says that the database's engine is known, and family is that engine.
	engine                        bool
	family                        string
	secrets                       int
	database, user                text
	borrow, idleClient, maxInPool number
	most, maxIdle                 number
	readOnly                      bool
}

func (p *DatabaseProxyProps) values() databaseValues {
	v := databaseValues{
		cluster:    p.Cluster != nil,
		instance:   p.Instance != nil,
		vpc:        p.Vpc != nil,
		database:   textOf(p.Database),
		user:       textOf(p.User),
		borrow:     secondsOf(p.BorrowTimeout),
		idleClient: secondsOf(p.IdleClientTimeout),
		maxInPool:  numberOf(p.MaxConnectionsPercent),
		most:       numberOf(p.MaxConnections),
		maxIdle:    numberOf(p.MaxIdleConnectionsPercent),
		readOnly:   isTrue(p.ReadOnly),
	}
	if p.Secrets != nil {
		v.secrets = len(*p.Secrets)
	}
	var family *string
	if v.cluster {
		if engine := p.Cluster.Engine(); engine != nil {
			v.engine, family = true, engine.EngineFamily()
		}
	} else if v.instance {
		if engine := p.Instance.Engine(); engine != nil {
			v.engine, family = true, engine.EngineFamily()
		}
	}
	if family != nil {
		v.family = *family
	}
	return v
}

// field is the prop with the database.
func (v databaseValues) field() string {
	if v.instance {
		return "Instance"
	}
	return "Cluster"
}

func (v databaseValues) check(r *rules) {
	v.checkTarget(r, "a proxy has one database")
	if !v.vpc {
		r.breaks("Vpc", "must be set, got none; pass the VPC of the database")
	}
	if v.cluster || v.instance {
		switch {
		case v.secrets == 0:
			r.breaks("Secrets", "must have at least 1 secret, got none, and %s tells none; pass the secret of User", v.field())
		case v.secrets > 1 && !v.user.set:
			r.breaks("User", "must be set with more than 1 of Secrets, got none for %d; name the one that programs log in as", v.secrets)
		}
	}
	v.checkLogin(r)
	if v.readOnly && v.instance {
		r.breaks("ReadOnly", "must be unset with Instance, which has no readers behind one endpoint; remove it, or use an Aurora cluster")
	}
	r.within("BorrowTimeout", v.borrow, 0, maxBorrowSecs, "seconds", "0 waits without end")
	r.within("IdleClientTimeout", v.idleClient, minIdleClientSecs, maxIdleClientSecs, "seconds", "leave it unset for 30 minutes")
	r.within("MaxConnections", v.most, 1, math.Inf(1), "connections", "see max_connections of the database")
	r.within("MaxConnectionsPercent", v.maxInPool, minConnectionPercent, maxConnectionPercent, "percent", "lower it to leave connections to others")
	if most := v.maxInPool.or(maxConnectionPercent); most.known {
		r.within("MaxIdleConnectionsPercent", v.maxIdle, 0, most.value, "percent", "it is a part of MaxConnectionsPercent")
	}
}

// checkTarget checks the database itself.
func (v databaseValues) checkTarget(r *rules, because string) {
	switch {
	case v.cluster == v.instance && v.cluster:
		r.breaks("Cluster", "must be unset with Instance, as %s; remove one of them", because)
	case v.cluster == v.instance:
		r.breaks("Cluster", "must be set unless Instance is, got none; pass the database")
	case !v.engine:
		r.breaks(v.field(), "must have its engine, got none; import it with Engine, Port and SecurityGroups")
	case v.family != familyPostgres && v.family != familyMySQL:
		r.breaks(v.field(), "must be PostgreSQL or MySQL, got the engine family %q; use another database", v.family)
	}
}

// checkLogin checks the database's name and the user of programs.
func (v databaseValues) checkLogin(r *rules) {
	if (v.cluster || v.instance) && !v.database.set {
		r.breaks("Database", "must be set when %s was created without a database name, got none; name the database to open", v.field())
	}
	if v.database.known && v.database.value == "" {
		r.breaks("Database", "must not be empty; name the database to open")
	}
	if v.user.known && v.user.value == "" {
		r.breaks("User", "must not be empty; name the database user")
	}
	if v.user.known && v.user.value == "*" {
		r.breaks("User", "must be one database user, got %q; a program logs in as one", v.user.value)
	}
}
